import type { ScheduleChoices } from '../../../views/schedules/schedule-choice.tsx';
import type { InputIssue } from '../../errors.ts';
import { scheduleInput } from '../../schedules/fields.ts';
import type { FirstSchedule } from '../../schedules/first-schedule.ts';
import { fittingRules } from '../../schedules/fitting-rules.ts';
import type { DatabaseSchedule } from '../../schedules/schedules.ts';
import type { Services } from '../../services-port.ts';
import { readSettings } from '../../settings/settings.ts';
import { type FormBody, textOf } from './kit/form-body.ts';
import type { Parsed } from './kit/submit.ts';

/** The choice of a schedule in the forms that register databases. `tags`: as of `fittingRules`. */
export async function scheduleChoices(
  { db, config }: Pick<Services, 'db' | 'config'>,
  target: {
    readonly environmentId: string;
    readonly engine: string;
    readonly tags: readonly string[] | null;
  },
): Promise<ScheduleChoices> {
  return {
    rules: await fittingRules(db, target),
    zone: (await readSettings(db)).timezone,
    schedulerEnabled: config.schedulerEnabled,
  };
}

/** What was chosen. A form of an earlier version, still open in a browser, has no choice: then rules count, as they did. */
export function parseScheduleChoice(body: FormBody): Parsed<FirstSchedule> {
  const { when = 'rule' } = body;
  if (when === 'rule' || when === 'none') return { success: true, data: { kind: when } };
  if (when === 'daily') return parseDaily(textOf(body, 'dailyAt') ?? '');
  if (when !== 'cron') return wrong('when', 'Choose when backups begin by themselves.');
  const parsed = scheduleInput.pick({ cronExpression: true }).safeParse({
    cronExpression: textOf(body, 'cronExpression') ?? '',
  });
  return parsed.success ? { success: true, data: { kind: 'own', ...parsed.data } } : parsed;
}

/** Some browsers send seconds along. */
const TIME = /^([01]?\d|2[0-3]):([0-5]\d)(?::00)?$/;

function parseDaily(text: string): Parsed<FirstSchedule> {
  const [, hour, minute] = TIME.exec(text) ?? [];
  if (hour === undefined) return wrong('dailyAt', 'Enter a time of the day, such as 02:00.');
  return { success: true, data: { kind: 'own', cronExpression: `${Number(minute)} ${Number(hour)} * * *` } };
}

function wrong(field: string, message: string): Parsed<never> {
  return { success: false, error: { issues: [{ path: [field], message, code: 'custom' }] } };
}

/** Two parts of one form: what is wrong with either is told at once. */
export function both<One, Other>(one: Parsed<One>, other: Parsed<Other>): Parsed<readonly [One, Other]> {
  if (one.success && other.success) return { success: true, data: [one.data, other.data] };
  return { success: false, error: { issues: [one, other].flatMap(issuesOf) } };
}

function issuesOf(parsed: Parsed<unknown>): readonly InputIssue[] {
  return parsed.success ? [] : parsed.error.issues;
}

/** The choice as the form of a copy shows it. One that is paused or switched off is no less that database's schedule. */
export function copiedChoice({ own }: DatabaseSchedule): FormBody {
  if (own === null) return { when: 'rule' };
  if (!own.enabled) return { when: 'none' };
  const [, minute, hour] = /^(\d{1,2}) (\d{1,2}) \* \* \*$/.exec(own.cronExpression) ?? [];
  if (minute === undefined || hour === undefined) {
    return { when: 'cron', cronExpression: own.cronExpression };
  }
  return { when: 'daily', dailyAt: `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}` };
}
