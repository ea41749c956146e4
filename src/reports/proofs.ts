import { sql } from 'kysely';
import type { Db } from '../db/schema.ts';

/** What was proven, and not, from that instant on. */
export interface Proofs {
  /** Backups that were read in full, whatever was found. */
  readonly verified: number;
  readonly damaged: number;
  readonly proven: number;
  readonly failed: number;
}

/** Of what ended since; a run that began longer than a day before it is not looked for. */
export async function proofsSince(db: Db, since: Date): Promise<Proofs> {
  const from = since.toISOString();
  const begun = new Date(since.getTime() - DAY_MS).toISOString();
  const { verified } = await db
    .selectFrom('runs')
    .select(({ fn }) => fn.countAll<number>().as('verified'))
    .where('kind', '=', 'verification')
    .where('created_at', '>=', begun)
    .where('ended_at', '>=', from)
    // An expression, so that it is found by its kind: completed backups of a week are many.
    .where(sql<boolean>`state || '' = 'completed'`)
    .executeTakeFirstOrThrow();
  const { damaged } = await db
    .selectFrom('events')
    .select(({ fn }) => fn.countAll<number>().as('damaged'))
    .where('type', '=', 'backup.verification_failed')
    .where('created_at', '>=', from)
    .executeTakeFirstOrThrow();
  const drills = await db
    .selectFrom('drills')
    .select(({ fn }) => ['outcome', fn.countAll<number>().as('count')])
    .where('ended_at', '>=', from)
    .where('outcome', 'in', ['proven', 'failed'])
    .groupBy('outcome')
    .execute();
  const of = (outcome: string) => Number(drills.find((row) => row.outcome === outcome)?.count ?? 0);
  return {
    ...{ verified: Number(verified), damaged: Number(damaged) },
    ...{ proven: of('proven'), failed: of('failed') },
  };
}

const DAY_MS = 86_400_000;
