import * as z from 'zod';
import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import { urlOfTarget } from '../channels/target-url.ts';
import { getDatabaseRow } from '../databases/databases.ts';
import type { DatabaseRow, Db, PingKind, PingProtocol, PingTargetRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { secretField } from '../fields.ts';
import { newId } from '../ids.ts';
import type { VaultContext } from '../secrets/context.ts';
import { SEALED } from '../secrets/sealed.ts';
import { privateHostsOf, readSettings } from '../settings/settings.ts';
import type { Verdict } from './message.ts';
import { type PingContext, sendPing } from './send-due.ts';

const pingUrl = secretField(2048)
  .transform((text) => text.trim())
  .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ''), {
    error: 'Must be an http or https URL',
  })
  .refine((text) => URL.parse(text)?.username === '' && URL.parse(text)?.password === '', {
    error: 'Must hold no user name and no password',
  })
  .refine((text) => !/\/(?:start|fail|log|\d{1,3})\/?$/.test(URL.parse(text)?.pathname ?? ''), {
    error: 'Must be the address itself, without /start, /fail or /log at its end: these are added',
  });

/** Where the dead man's switch of a database is told of its backups. */
export const pingInput = z.object({
  /** What is stored when absent. */
  url: pingUrl.optional(),
  /** `healthchecks` also where the address is healthchecks.io's or spelled as its are; `plain` elsewhere, when absent. */
  protocol: z.enum(['healthchecks', 'plain']).optional(),
});
export type PingInput = Readonly<z.infer<typeof pingInput>>;

/** What is shown of it: the address may hold a token. */
export interface PingTarget {
  readonly host: string;
  readonly protocol: PingProtocol;
  readonly lastPing: {
    readonly kind: PingKind;
    readonly at: string;
    readonly ok: boolean;
    readonly error: string | null;
  } | null;
  /** What is still to be sent. */
  readonly waiting: number;
}

/** Null where it has none. Throws `not_found`. */
export async function getPingTarget(db: Db, databaseId: string): Promise<PingTarget | null> {
  await getDatabaseRow(db, databaseId);
  const row = await rowOf(db, databaseId);
  return row === undefined ? null : shown(db, row);
}

/** Throws `not_found`, and `invalid` for an address that nothing may be sent to. */
export async function savePingTarget(
  { db, now, vault }: VaultContext,
  actor: Actor,
  databaseId: string,
  input: PingInput,
): Promise<PingTarget> {
  const { privateHosts } = await readSettings(db);
  const url = input.url === undefined ? undefined : urlOfTarget(input.url, privateHostsOf(privateHosts));
  const sealed = url && (await vault.seal(url.href, SEALED.pingUrl.identity(databaseId)));
  const at = now().toISOString();
  await write(db, async (trx) => {
    const database = await getDatabaseRow(trx, databaseId);
    const before = await rowOf(trx, databaseId);
    if (before === undefined && url === undefined) throw refusal('Enter the address that is to be told');
    const protocol = input.protocol ?? (url === undefined ? before?.protocol : protocolOf(url)) ?? 'plain';
    const host = url?.host ?? before?.host ?? '';
    // What was said of another address says nothing of this one.
    const anew = { last_kind: null, last_at: null, last_ok: null, last_error: null };
    const values = {
      host,
      protocol,
      updated_at: at,
      ...(sealed === undefined ? {} : { url: sealed, ...anew }),
    };
    await trx
      .insertInto('ping_targets')
      .values({ id: databaseId, url: sealed ?? before?.url ?? '', created_at: at, ...values })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
      .execute();
    await recordAudit(trx, actor, audited('update', database, { host, protocol }), now());
  });
  const row = await rowOf(db, databaseId);
  if (row === undefined) throw new AppError('not_found', 'Database not found');
  return shown(db, row);
}

/** With what was still to be sent; nothing where there is none. Throws `not_found`. */
export async function removePingTarget(
  { db, now }: Pick<VaultContext, 'db' | 'now'>,
  actor: Actor,
  databaseId: string,
): Promise<void> {
  await write(db, async (trx) => {
    const database = await getDatabaseRow(trx, databaseId);
    const row = await rowOf(trx, databaseId);
    if (row === undefined) return;
    await trx.deleteFrom('ping_targets').where('id', '=', databaseId).execute();
    await recordAudit(trx, actor, audited('delete', database, { host: row.host }), now());
  });
}

/** Sends a ping that tells of no backup, and says what became of it. Throws `not_found`, and `invalid` without an address. */
export async function tryPing(
  context: PingContext,
  actor: Actor,
  databaseId: string,
  signal: AbortSignal,
): Promise<Verdict> {
  const { db, now } = context;
  const database = await getDatabaseRow(db, databaseId);
  const target = await rowOf(db, databaseId);
  if (target === undefined) throw refusal('Enter the address that is to be told');
  const body = `A test of BRIDGEPORT Storage for ${database.name}: no backup was made.`;
  const { verdict } = await sendPing(context, target, { kind: 'test', runId: newId(), body }, signal);
  const error = verdict.isOk ? null : verdict.reason;
  await write(db, async (trx) => {
    await trx
      .updateTable('ping_targets')
      .set({
        last_kind: 'test',
        last_at: now().toISOString(),
        last_ok: verdict.isOk ? 1 : 0,
        last_error: error,
      })
      .where('id', '=', databaseId)
      .execute();
    const entry = audited('test', database, { host: target.host });
    await recordAudit(trx, actor, error === null ? entry : { ...entry, error }, now());
  });
  return verdict;
}

/** As healthchecks.io spells its addresses: `/UUID`, `/KEY/SLUG`; those who host it themselves `/ping/…`. */
function protocolOf({ hostname, pathname }: URL): PingProtocol {
  const isTheirs = hostname === 'hc-ping.com' || hostname.endsWith('.healthchecks.io');
  return isTheirs || /^\/ping\/[\w-]{20,}/.test(pathname) ? 'healthchecks' : 'plain';
}

function rowOf(db: Db | Trx, databaseId: string): Promise<PingTargetRow | undefined> {
  return db.selectFrom('ping_targets').selectAll().where('id', '=', databaseId).executeTakeFirst();
}

async function shown(db: Db, row: PingTargetRow): Promise<PingTarget> {
  const { count } = await db
    .selectFrom('pings')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('database_id', '=', row.id)
    .executeTakeFirstOrThrow();
  const { last_kind: kind, last_at: at } = row;
  const lastPing =
    kind === null || at === null ? null : { kind, at, ok: row.last_ok === 1, error: row.last_error };
  return { host: row.host, protocol: row.protocol, lastPing, waiting: Number(count) };
}

function audited(
  action: 'update' | 'delete' | 'test',
  { id, name, environment_id: environmentId }: DatabaseRow,
  details: Readonly<Record<string, unknown>>,
) {
  return auditEntry('ping_target', action, { id, name, environmentId }, { details });
}

function refusal(message: string): AppError {
  const issues = [{ path: ['url'], message, code: 'custom' }];
  return new AppError('invalid', 'Invalid input', { details: { issues } });
}
