import type { RunKindName, Trx } from '../db/schema.ts';

/** Who asked for a run: a schedule, a token or a person; `id`: that very one, null: any. */
export type Asker =
  | { readonly kind: 'schedule'; readonly id: null }
  | { readonly kind: 'token' | 'person'; readonly id: string | null };

/** As addresses and rows say it. */
export const ASKER = /^(?:schedule|(token|person)(?::([0-9a-z]{1,40}))?)$/;

/** Null for what makes no sense. */
export function parseAsker(text: string): Asker | null {
  const [whole, kind, id = null] = ASKER.exec(text) ?? [];
  if (kind === 'token' || kind === 'person') return { kind, id };
  return whole === undefined ? null : { kind: 'schedule', id: null };
}

export function askerText({ kind, id }: Asker): string {
  return id === null ? kind : `${kind}:${id}`;
}

/** Of runs of these kinds it is noted who asked for them. */
export const ASKED_KINDS: readonly RunKindName[] = ['backup', 'restore', 'drill', 'verification'];

/** Whom a new run is for. */
export interface AskedBy {
  readonly isScheduled: boolean;
  readonly personId: string | null;
}

/** Notes who asks for a run. Part of the transaction that inserts it, and behind that. */
export async function noteAskers(
  trx: Trx,
  runId: string,
  { isScheduled, personId }: AskedBy,
  now: Date,
): Promise<void> {
  const schedule: readonly Asker[] = isScheduled ? [{ kind: 'schedule', id: null }] : [];
  const person: readonly Asker[] =
    personId === null ? [] : [null, personId].map((id) => ({ kind: 'person', id }));
  await insertAskers(trx, { id: runId, created_at: now.toISOString() }, [...schedule, ...person]);
}

/** What a schedule had asked for is that person's from now on. Part of the transaction that says so. */
export async function notePerson(
  trx: Trx,
  run: { readonly id: string; readonly created_at: string },
  personId: string | null,
): Promise<void> {
  await noteAskers(trx, run.id, { isScheduled: false, personId }, new Date(run.created_at));
  await trx
    .deleteFrom('run_askers')
    .where('run_id', '=', run.id)
    .where('asker', '=', askerText({ kind: 'schedule', id: null }))
    .execute();
}

/** What a person's token asked for is the token's, and that very person's, too. */
export async function noteToken(trx: Trx, runId: string, tokenId: string): Promise<void> {
  const run = await trx
    .selectFrom('runs')
    .select(['id', 'created_at'])
    .where('id', '=', runId)
    .executeTakeFirst();
  if (run === undefined) return;
  await insertAskers(
    trx,
    run,
    [null, tokenId].map((id) => ({ kind: 'token', id })),
  );
  await trx
    .deleteFrom('run_askers')
    .where('run_id', '=', runId)
    .where('asker', '=', askerText({ kind: 'person', id: null }))
    .execute();
}

async function insertAskers(
  trx: Trx,
  run: { readonly id: string; readonly created_at: string },
  askers: readonly Asker[],
): Promise<void> {
  if (askers.length === 0) return;
  const rows = askers.map((asker) => ({
    asker: askerText(asker),
    created_at: run.created_at,
    run_id: run.id,
  }));
  await trx
    .insertInto('run_askers')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
