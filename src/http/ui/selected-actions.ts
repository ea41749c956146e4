import { formatBytes } from '../../../views/parts/format.ts';
import { keptWords } from '../../../views/retention/words.ts';
import type { SelectedAction } from '../../../views/selected-databases.tsx';
import { OWN_TIMES, RULE_TIMES } from '../../../views/selected-databases.tsx';
import type { UserActor } from '../../auth/users.ts';
import { knownDatabases } from '../../backups/known-databases.ts';
import { protectionOfOne } from '../../backups/protection-of.ts';
import { AppError } from '../../errors.ts';
import { readDefaults } from '../../retention/defaults.ts';
import { policyOf } from '../../retention/policy.ts';
import type { PolicyInput } from '../../retention/policy-input.ts';
import { savePolicy } from '../../retention/retention-actions.ts';
import {
  changeTimes,
  followRule,
  pause,
  pauseDatabase,
  resumeDatabase,
  times,
} from '../../schedules/change-times.ts';
import { type BriefSchedule, briefSchedules } from '../../schedules/schedules.ts';
import type { Services } from '../../services-port.ts';
import { PRESET_TIERS, type RetentionTiers } from '../../settings/retention-presets.ts';
import { askVerification } from '../../verifications/ask-verification.ts';
import type { FlashKey } from './kit/flash.ts';
import { type FormBody, textOf } from './kit/form-body.ts';
import { besideFields, nothingToParse, type Parsed } from './kit/submit.ts';
import { INHERIT, parsePolicy } from './retention-form.ts';

/** What is done to one of those that are selected. */
export type ToOne = (services: Services, actor: UserActor, databaseId: string) => Promise<unknown>;

export interface ActionOnSelected {
  readonly name: SelectedAction;
  /** The fresh form. */
  readonly values: FormBody;
  /** What each has now, by id. */
  readonly presentOf: (services: Services, ids: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  readonly parse: (body: FormBody) => Parsed<ToOne>;
  readonly say: FlashKey;
}

export const SELECTED_ACTIONS: readonly ActionOnSelected[] = [
  {
    name: 'pause',
    values: {},
    presentOf: schedulesNow,
    parse: (body) =>
      toOne(
        pause.safeParse({ pausedReason: body['pausedReason'] ?? '' }),
        ({ pausedReason }) =>
          (services, actor, id) =>
            pauseDatabase(services, actor, id, pausedReason),
      ),
    say: 'databases-paused',
  },
  {
    name: 'resume',
    values: {},
    presentOf: schedulesNow,
    parse: () => toOne(nothingToParse(), () => resumeDatabase),
    say: 'databases-resumed',
  },
  { name: 'schedule', values: {}, presentOf: schedulesNow, parse: parseTimes, say: 'schedules-changed' },
  {
    name: 'retention',
    values: { preset: INHERIT, ...numbersOf(PRESET_TIERS.balanced) },
    presentOf: policiesNow,
    parse: (body) =>
      toOne(
        parsePolicies(body),
        (input) => (services, actor, id) => savePolicyOf(services, actor, id, input),
      ),
    say: 'policies-saved',
  },
  {
    name: 'read',
    values: {},
    presentOf: lastGoodNow,
    parse: () => toOne(nothingToParse(), () => readLastGood),
    say: 'databases-read',
  },
];

/** To begin with, where they are to be numbers of their own. */
function numbersOf(tiers: RetentionTiers): FormBody {
  return Object.fromEntries(Object.entries(tiers).map(([name, count]) => [name, String(count)]));
}

function toOne<Input>(parsed: Parsed<Input>, does: (input: Input) => ToOne): Parsed<ToOne> {
  return parsed.success ? { success: true, data: does(parsed.data) } : parsed;
}

function parseTimes(body: FormBody): Parsed<ToOne> {
  const chosen = body['times'] ?? '';
  if (chosen === RULE_TIMES) return { success: true, data: followRule };
  if (chosen === '')
    return { success: false, error: { issues: [{ path: ['times'], message: 'Choose one of the list.' }] } };
  const cronExpression = chosen === OWN_TIMES ? (textOf(body, 'cronExpression') ?? '') : chosen;
  const field = chosen === OWN_TIMES ? 'cronExpression' : 'times';
  const parsed = besideFields(times.safeParse({ cronExpression }), (issue) => ({ ...issue, path: [field] }));
  return toOne(
    parsed,
    (input) => (services, actor, id) => changeTimes(services, actor, id, input.cronExpression),
  );
}

/** What the form has no field for stays as each has it. */
export function parsePolicies(body: FormBody): Parsed<PolicyInput> {
  const parsed = parsePolicy(body);
  return parsed.success ? { success: true, data: { ...parsed.data, maxShrinkPercent: undefined } } : parsed;
}

/** Nobody waits for what is pruned of many. */
const AT_ONCE = AbortSignal.abort();

async function savePolicyOf(
  services: Services,
  actor: UserActor,
  id: string,
  input: PolicyInput,
): Promise<void> {
  const saved = await savePolicy(services, actor, id, input, AT_ONCE);
  if (saved.kind === 'saved') return;
  throw new AppError(
    'conflict',
    `It would prune ${saved.prune.length} backups by now, so nothing was saved. Send it again to be asked about them.`,
  );
}

const readLastGood: ToOne = async (services, actor, id) => {
  const { lastGood } = await protectionOfOne(services, id);
  if (lastGood === null) throw new AppError('conflict', 'It has no good backup yet.');
  await askVerification(services, actor, lastGood.id);
};

async function schedulesNow({ db }: Services, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = await briefSchedules(db, ids);
  return new Map(ids.map((id) => [id, scheduleWords(found.get(id))]));
}

function scheduleWords(schedule: BriefSchedule | undefined): string {
  if (schedule === undefined) return 'none: nothing begins by itself';
  const { words, rule, enabled, pausedReason } = schedule;
  return [
    `${words} (${schedule.cronExpression})`,
    rule === null ? ', its own' : `, by the rule ${rule.name}`,
    enabled ? '' : ', switched off',
    pausedReason === null ? '' : `. Paused: ${pausedReason}`,
  ].join('');
}

async function policiesNow({ db }: Services, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const defaults = await readDefaults(db);
  const words = new Map<string, string>();
  for (const id of ids) {
    const { effective } = await policyOf(db, id, defaults);
    const { source, maxTotalBytes } = effective;
    const cap = maxTotalBytes === null ? '' : `, ${formatBytes(maxTotalBytes)} in all at most`;
    words.set(
      id,
      `${keptWords(effective)}${cap}${source === 'inherited' ? ', as the installation says' : ''}`,
    );
  }
  return words;
}

async function lastGoodNow(services: Services, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const known = await knownDatabases(
    services,
    ids.map((id) => ({ id })),
  );
  return new Map(
    known.map(({ id, size, protection: { lastGood } }) => [
      id,
      lastGood === null
        ? 'none'
        : `${lastGood.at.slice(0, 16).replace('T', ' ')} UTC, ${formatBytes(size ?? 0)}`,
    ]),
  );
}
