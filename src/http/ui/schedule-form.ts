import type { Context } from 'hono';
import type { FormState } from '../../../views/parts/form-state.ts';
import { listServersOf } from '../../servers/servers.ts';
import type { Services } from '../../services-port.ts';
import { editForm } from './kit/edit-form.ts';
import { type FormBody, isTicked, numberOf, textOf } from './kit/form-body.ts';
import { nothingToParse, submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';

/** What the fields of a schedule's form hold, as the use cases take it. */
export function scheduleInputOf(body: FormBody) {
  return {
    cronExpression: textOf(body, 'cronExpression') ?? '',
    enabled: isTicked(body, 'enabled'),
    timeZone: textOf(body, 'timeZone'),
    jitterMinutes: numberOf(body, 'jitterMinutes') ?? 0,
    catchUpHours: numberOf(body, 'catchUpHours'),
    retries: numberOf(body, 'retries') ?? 0,
    retryMinutes: numberOf(body, 'retryMinutes') ?? 10,
    pausedReason: textOf(body, 'pausedReason'),
    drillCron: textOf(body, 'drillCron'),
    verifyEveryDays: numberOf(body, 'verifyEveryDays'),
    // For admins alone: what the form has no field for stays.
    ...(body['drillServerId'] === undefined
      ? {}
      : { drillServerId: textOf(body, 'drillServerId'), drillFolder: textOf(body, 'drillFolder') }),
  };
}

interface Shown {
  readonly cronExpression: string;
  readonly enabled: boolean;
  readonly timeZone: string | null;
  readonly jitterMinutes: number;
  readonly catchUpHours: number | null;
  readonly retries: number;
  readonly retryMinutes: number;
  readonly pausedReason: string | null;
  readonly drillCron: string | null;
  readonly drillServerId: string | null;
  readonly drillFolder: string | null;
  readonly verifyEveryDays: number | null;
}

const NEW: Shown = {
  cronExpression: '0 2 * * *',
  enabled: true,
  timeZone: null,
  jitterMinutes: 0,
  catchUpHours: null,
  retries: 2,
  retryMinutes: 10,
  pausedReason: null,
  drillCron: null,
  drillServerId: null,
  drillFolder: null,
  verifyEveryDays: null,
};

/** The form of a schedule, or of a new one. */
export const scheduleForm = (
  schedule: Shown | null,
  more: Readonly<Record<string, string>> = {},
): FormState => editForm(scheduleValues(schedule, more));

/** By the button of usual times: the form as it was typed, with those in it. Nothing is saved. */
export function fillTimes(
  c: Context<UiEnv>,
  services: Services,
  send: (form: FormState) => Promise<Response>,
): Promise<Response> {
  return submit(c, services, {
    parse: nothingToParse,
    refuse: send,
    act: (_, { preset, ...typed }, sent) =>
      send({ ...sent, values: { ...typed, cronExpression: preset ?? typed['cronExpression'] ?? '' } }),
  });
}

/** A schedule, or a new one, as its form shows it. */
export function scheduleValues(schedule: Shown | null, more: Readonly<Record<string, string>> = {}) {
  const shown = schedule ?? NEW;
  return {
    cronExpression: shown.cronExpression,
    ...(shown.enabled ? { enabled: 'true' } : {}),
    timeZone: shown.timeZone ?? '',
    jitterMinutes: String(shown.jitterMinutes),
    catchUpHours: shown.catchUpHours === null ? '' : String(shown.catchUpHours),
    retries: String(shown.retries),
    retryMinutes: String(shown.retryMinutes),
    pausedReason: shown.pausedReason ?? '',
    drillCron: shown.drillCron ?? '',
    drillServerId: shown.drillServerId ?? '',
    drillFolder: shown.drillFolder ?? '',
    verifyEveryDays: shown.verifyEveryDays === null ? '' : String(shown.verifyEveryDays),
    ...more,
  };
}

const MOST_SERVERS = 500;

/** Servers that drills may be made on, for who may say so; null for others. */
export async function drillServers(
  { db }: Pick<Services, 'db'>,
  isAdmin: boolean,
): Promise<readonly { readonly value: string; readonly label: string }[] | null> {
  if (!isAdmin) return null;
  const servers = await listServersOf(db, null, { limit: MOST_SERVERS, offset: 0 });
  return servers.map(({ id, name, environmentName }) => ({
    value: id,
    label: `${name} (${environmentName})`,
  }));
}
