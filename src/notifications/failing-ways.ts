import type { Db } from '../db/schema.ts';

/** A way out by which nothing arrives. */
export interface FailingWay {
  /** What people call it. */
  readonly name: string;
  readonly since: string;
  readonly error: string;
}

/** The mail server and the channels that fail, the longest failing first. */
export async function failingWays(db: Db): Promise<readonly FailingWay[]> {
  const mail = await db
    .selectFrom('smtp_settings')
    .select(['host as name', 'failing_since', 'last_error'])
    .where('failing_since', 'is not', null)
    .execute();
  const channels = await db
    .selectFrom('notification_channels')
    .select(['name', 'failing_since', 'last_error'])
    .where('failing_since', 'is not', null)
    .execute();
  return [...mail.map((row) => ({ ...row, name: `mail by ${row.name}` })), ...channels]
    .map(({ name, failing_since: since, last_error: error }) => ({
      name,
      since: since ?? '',
      error: error ?? '',
    }))
    .sort((one, other) => one.since.localeCompare(other.since));
}
