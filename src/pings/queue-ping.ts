import type { PingRow, Trx } from '../db/schema.ts';
import { newId } from '../ids.ts';

export interface NewPing {
  readonly databaseId: string;
  readonly runId: string;
  readonly kind: PingRow['kind'];
  /** What it tells, made only where somebody is told. */
  readonly body: () => string;
}

/**
 * Has the dead man's switch of a database told of a run, in the transaction in which it happens: nothing where it has none. An
 * end makes what could not be sent before it old news, which nobody sends any more.
 */
export async function queuePing(trx: Trx, ping: NewPing, now: Date): Promise<void> {
  const target = await trx
    .selectFrom('ping_targets')
    .select('protocol')
    .where('id', '=', ping.databaseId)
    .executeTakeFirst();
  if (target === undefined || (target.protocol === 'plain' && ping.kind !== 'success')) return;
  if (ping.kind !== 'start') {
    await trx
      .deleteFrom('pings')
      .where('database_id', '=', ping.databaseId)
      .where('tries', '>', 0)
      .where('claimed_by', 'is', null)
      .execute();
  }
  const newest = await trx
    .selectFrom('pings')
    .select(({ fn }) => fn.max('number').as('number'))
    .where('database_id', '=', ping.databaseId)
    .executeTakeFirst();
  await trx
    .insertInto('pings')
    .values({
      id: newId(),
      database_id: ping.databaseId,
      number: Number(newest?.number ?? 0) + 1,
      kind: ping.kind,
      run_id: ping.runId,
      body: ping.body(),
      tries: 0,
      created_at: now.toISOString(),
      next_try_at: now.toISOString(),
    })
    .execute();
}
