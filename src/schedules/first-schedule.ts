import { hasRole } from '../auth/roles.ts';
import type { Trx } from '../db/schema.ts';
import type { Scheduling } from './drill-place.ts';
import { type ScheduleInput, scheduleInput } from './fields.ts';
import { putScheduleIn, type Schedule } from './schedules.ts';

/** When a database that is being registered is backed up by itself. */
export type FirstSchedule =
  /** As the rule that fits says, also one that comes later. */
  | { readonly kind: 'rule' }
  /** Never, whatever a rule says: a schedule of its own that is switched off. */
  | { readonly kind: 'none' }
  | { readonly kind: 'own'; readonly cronExpression: string };

/**
 * Gives the database its schedule in the write that registers it: both or neither. `original`: the schedule of the database that it is a
 * copy of; what that says beside its times goes along, but for a pause. Throws as `putSchedule`.
 */
export function scheduleAlongside(
  actor: Scheduling,
  now: () => Date,
  choice: FirstSchedule,
  original: Schedule | null = null,
): (trx: Trx, databaseId: string) => Promise<void> {
  return async (trx, databaseId) => {
    if (choice.kind === 'rule') return;
    const enabled = choice.kind === 'own';
    const cronExpression = enabled ? choice.cronExpression : NIGHTLY;
    const rest = original === null ? NEW : copied(original, actor);
    await putScheduleIn(trx, actor, databaseId, { ...rest, cronExpression, enabled }, now());
  };
}

/** Of one that is switched off; it says what switching it on would do. */
const NIGHTLY = '0 2 * * *';

type Rest = Omit<ScheduleInput, 'cronExpression' | 'enabled'>;

/** As the form of a new schedule proposes it. */
const NEW: Rest = { retentionDays: scheduleInput.shape.retentionDays.parse(undefined), retries: 2 };

/** Where drills are made is for admins to say; without that place, they would be made where nobody meant them to be. */
function copied(original: Schedule, { role }: Scheduling): Rest {
  const { retentionDays, timeZone, jitterMinutes, catchUpHours, retries, retryMinutes } = original;
  const { drillCron, drillServerId, drillFolder, verifyEveryDays } = original;
  const rest = {
    ...{ retentionDays, timeZone, jitterMinutes, catchUpHours, retries, retryMinutes, verifyEveryDays },
  };
  const isPlain = drillServerId === null && drillFolder === null;
  if (isPlain) return { ...rest, drillCron };
  const isAdmin = role === undefined || hasRole(role, 'admin');
  return isAdmin ? { ...rest, drillCron, drillServerId, drillFolder } : rest;
}
