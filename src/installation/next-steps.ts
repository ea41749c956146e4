import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import type { Context } from '../db/context.ts';
import type { Db } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { readSettings, saveSettings } from '../settings/settings.ts';

/** What an installation lacks, after its first backup, to be left alone. */
export interface NextSteps {
  readonly databases: number;
  /** Of them, those that no schedule backs up. */
  readonly unscheduled: number;
  /** True where a mail server or a channel that works, or a webhook, tells outside of the app that a backup failed. */
  readonly isTold: boolean;
  /** True where a backup of any database was proven to come back. */
  readonly isProven: boolean;
}

/** Null where nothing is left to do, or an admin has hidden it. */
export async function nextSteps({ db }: Pick<Context, 'db'>): Promise<NextSteps | null> {
  if ((await readSettings(db)).nextStepsHiddenAt !== null) return null;
  const { databases, unscheduled } = await countScheduled(db);
  const steps = { databases, unscheduled, isTold: await isTold(db), isProven: await isProven(db) };
  return unscheduled === 0 && steps.isTold && steps.isProven ? null : steps;
}

/** Takes them off the overview, for everybody. */
export async function hideNextSteps({ db, now }: Context, actor: Actor): Promise<void> {
  const at = now();
  await write(db, async (trx) => {
    await saveSettings(trx, { nextStepsHiddenAt: at.toISOString() }, at);
    const details = { nextStepsHidden: true };
    await recordAudit(trx, actor, auditEntry('system_settings', 'update', { id: null }, { details }), at);
  });
}

/** Of all databases. */
export async function countScheduled(db: Db): Promise<Pick<NextSteps, 'databases' | 'unscheduled'>> {
  const { registered, scheduled } = await db
    .selectFrom('databases')
    .leftJoin('database_schedules', 'database_schedules.database_id', 'databases.id')
    .select(({ fn }) => [
      fn.countAll<number>().as('registered'),
      fn.count<number>('database_schedules.due_at').as('scheduled'),
    ])
    .executeTakeFirstOrThrow();
  return { databases: Number(registered), unscheduled: Number(registered) - Number(scheduled) };
}

async function isTold(db: Db): Promise<boolean> {
  const mail = db.selectFrom('smtp_settings').select('id').where('failing_since', 'is', null);
  const channel = db
    .selectFrom('notification_channels')
    .select('id')
    .where('enabled', '=', 1)
    .where('failing_since', 'is', null);
  const webhook = db
    .selectFrom('webhook_subscriptions')
    .select('id')
    .where('enabled', '=', 1)
    // A JSON list of names.
    .where('events', 'like', '%"backup.failed"%');
  const way = await mail.union(channel).union(webhook).limit(1).executeTakeFirst();
  return way !== undefined;
}

async function isProven(db: Db): Promise<boolean> {
  const proven = await db
    .selectFrom('drill_states')
    .select('database_id')
    .where('proven_at', 'is not', null)
    .limit(1)
    .executeTakeFirst();
  return proven !== undefined;
}
