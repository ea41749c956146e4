import type { ScheduleRow } from '../db/schema.ts';

/** What rules look at. */
export interface Target {
  readonly environmentId: string;
  readonly engine: string;
  /** Of its server. */
  readonly tags: readonly string[];
}

/** Rules in the order in which they count: the more they ask for, the earlier; then the older. */
export function sortRules(rules: readonly ScheduleRow[]): readonly ScheduleRow[] {
  return [...rules].sort(
    (a, b) => criteriaOf(b) - criteriaOf(a) || compare(a.created_at, b.created_at) || compare(a.id, b.id),
  );
}

/** The schedule that counts for a database: its own, be it disabled, or the first of the sorted rules that fits; or null. */
export function effectiveSchedule(
  own: ScheduleRow | undefined,
  rules: readonly ScheduleRow[],
  target: Target,
): ScheduleRow | null {
  return own ?? rules.find((rule) => fits(rule, target)) ?? null;
}

export function fits(rule: ScheduleRow, { environmentId, engine, tags }: Target): boolean {
  return (
    rule.enabled === 1 &&
    (rule.environment_id === null || rule.environment_id === environmentId) &&
    (rule.engine === null || rule.engine === engine) &&
    (rule.tag === null || tags.includes(rule.tag))
  );
}

function criteriaOf(rule: ScheduleRow): number {
  return [rule.environment_id, rule.tag, rule.engine].filter((value) => value !== null).length;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
