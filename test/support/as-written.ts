import { type RawBuilder, sql } from 'kysely';
import { isPostgres } from '../../src/db/kind.ts';
import type { Db } from '../../src/db/schema.ts';

/** To order rows of a small table by as they were written: several of one millisecond have no other order. */
export const asWritten = (db: Db): RawBuilder<unknown> => (isPostgres(db) ? sql`ctid` : sql`rowid`);
