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

/** Of what ended since; a reading that began longer than a day before it is not looked for. */
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
  const { proven, failed } = await db
    .selectFrom('drills')
    .select([countOf('proven').as('proven'), countOf('failed').as('failed')])
    .where('ended_at', '>=', from)
    .executeTakeFirstOrThrow();
  return {
    ...{ verified: Number(verified), damaged: Number(damaged) },
    ...{ proven: Number(proven), failed: Number(failed) },
  };
}

function countOf(outcome: 'proven' | 'failed') {
  return sql<number>`coalesce(sum(case when outcome = ${sql.lit(outcome)} then 1 else 0 end), 0)`;
}

const DAY_MS = 86_400_000;
