import { repairCounts } from '../../../src/backups/repair-counts.ts';
import { newId } from '../../../src/ids.ts';
import { createRunLog } from '../../../src/runs/run-log.ts';
import { saveLog } from '../../../src/runs/stored-log.ts';
import type { Services } from '../../../src/services-port.ts';

/** Of what a page has to write out the longest: six bytes for one, and two for half of the other. */
const LETTERS = '"""🐘';
/** As a tool may print it. */
const said = (length: number): string =>
  LETTERS.repeat(Math.ceil(length / LETTERS.length))
    .slice(0, length - END.length)
    .toWellFormed() + END;
const END = ' the last word';

const LONGEST = { stderr: 8192, message: 1000, words: 2000 } as const;

/** Ids of what has them, each with a page of its own. */
export interface LongTexts {
  readonly databaseId: string;
  /** Of it: the newest, which failed and whose log has lines of 3 KiB. */
  readonly backupId: string;
  /** Of it: with a log of 64 KiB in short lines. */
  readonly talkativeId: string;
  /** Of it: said nothing but quotes. */
  readonly quotingId: string;
  /** And more of it. */
  readonly others: readonly string[];
  readonly notificationId: string;
  readonly drillId: string;
  /** What the tool printed, what its backup says, what people were told of it. */
  readonly stderr: string;
  readonly message: string;
  readonly told: string;
}

/** Gives whatever a filled installation keeps of what others have said the longest text that it can have. */
export async function lengthenTexts(services: Services, userId: string): Promise<LongTexts> {
  const { db } = services;
  const { database_id: databaseId, id: drillId } = await db
    .selectFrom('drills')
    .innerJoin('restores', 'restores.id', 'drills.id')
    .select(['drills.database_id', 'drills.id'])
    // Of the one whose page is the longest.
    .orderBy(
      (eb) =>
        eb
          .selectFrom('backups')
          .select((row) => row.fn.countAll().as('count'))
          .whereRef('backups.database_id', '=', 'drills.database_id')
          .where('backups.deleted_at', 'is', null),
      'desc',
    )
    .orderBy('drills.id')
    .limit(1)
    .executeTakeFirstOrThrow();
  const backups = await failBackups(services, databaseId);
  await failDrills(services, databaseId);
  const [, , quotingId = ''] = backups;
  const quotes = { message: '"'.repeat(LONGEST.message), stderr: '"'.repeat(LONGEST.stderr), step: 'dump' };
  const error = JSON.stringify({ ...quotes, code: 'dump_failed' });
  await db.updateTable('backups').set({ error }).where('id', '=', quotingId).execute();
  await saveLog(db, quotingId, logOf(30, { message: said(1024), details: said(2048) }));
  const [backupId = '', talkativeId = '', , ...others] = backups;
  await saveLog(db, backupId, logOf(30, { message: said(1024), details: `\u001b[2J${said(2044)}` }));
  await saveLog(db, talkativeId, logOf(2000, { message: `said "&"`, details: 'bytes=1' }));
  await db
    .updateTable('notifications')
    .set({ message: said(LONGEST.message) })
    .execute();
  await db
    .updateTable('deliveries')
    .set({ last_error: said(LONGEST.words) })
    .execute();
  await db
    .updateTable('audit_logs')
    .set({ error: said(LONGEST.words), success: 0 })
    .execute();
  await db
    .updateTable('notification_channels')
    .set({ last_error: said(LONGEST.words), failing_since: services.now().toISOString() })
    .execute();
  await db
    .updateTable('leftovers')
    .set({ last_error: said(LONGEST.words) })
    .execute();
  const { id: notificationId } = await db
    .selectFrom('notifications')
    .select('id')
    .where('user_id', '=', userId)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirstOrThrow();
  const ids = { databaseId, backupId, talkativeId, quotingId, others, notificationId, drillId };
  return {
    ...ids,
    stderr: said(LONGEST.stderr),
    message: said(LONGEST.message),
    told: said(LONGEST.message),
  };
}

/** Every failed backup says much; of that database the thirty newest failed, each in its own words. Their ids, the newest first. */
async function failBackups(services: Services, databaseId: string): Promise<readonly string[]> {
  const { db } = services;
  const errorOf = (number: number) =>
    JSON.stringify({
      message: `${number} ${said(LONGEST.message)}`,
      // A list of what to check comes with it.
      ...{ step: 'upload', code: 'storage_refused' },
      ...{ exitCode: 1, stderr: said(LONGEST.stderr) },
    });
  await db
    .updateTable('backups')
    .set({ error: errorOf(0) })
    .where('status', '=', 'failed')
    .execute();
  const newest = await db
    .selectFrom('backups')
    .select('id')
    .where('database_id', '=', databaseId)
    .where('deleted_at', 'is', null)
    .orderBy('created_at', 'desc')
    .limit(30)
    .execute();
  for (const [number, { id }] of newest.entries()) {
    await db
      .updateTable('backups')
      .set({ status: 'failed', outcome: 'failed', verification: null, error: errorOf(number) })
      .where('id', '=', id)
      .execute();
    await db.updateTable('runs').set({ state: 'failed' }).where('id', '=', id).execute();
  }
  await db
    .updateTable('runs')
    .set({ error: errorOf(0) })
    .where('state', '=', 'failed')
    .execute();
  await db
    .updateTable('runs')
    .set({ state: 'failed', error: errorOf(0) })
    .where('id', 'in', (eb) => eb.selectFrom('runs').select('id').orderBy('created_at', 'desc').limit(60))
    .execute();
  await repairCounts(services);
  return newest.map(({ id }) => id);
}

async function failDrills({ db, now }: Services, databaseId: string): Promise<void> {
  const failed = { failure: 'other', says: said(LONGEST.message + LONGEST.words) } as const;
  await db
    .updateTable('drills')
    .set({ outcome: 'failed', ...failed })
    .execute();
  await db
    .updateTable('drill_states')
    .set({ failed_at: now().toISOString(), ...failed })
    .execute();
  const [one] = await db
    .selectFrom('drills')
    .selectAll()
    .where('database_id', '=', databaseId)
    .limit(1)
    .execute();
  if (one === undefined) throw new Error('there is no drill');
  // Those that no restore was made for say as much.
  const rows = Array.from({ length: 30 }, () => ({ ...one, id: newId() }));
  await db.insertInto('drills').values(rows).execute();
}

function logOf(count: number, line: { readonly message: string; readonly details: string }): string {
  const log = createRunLog();
  for (let number = 0; number < count; number += 1) {
    const at = new Date(Date.UTC(2026, 0, 1, 0, 0, number)).toISOString();
    log.add({ at, level: 'warn', ...line, message: `${number} ${line.message}` });
  }
  return log.text();
}
