import type { Db } from './schema.ts';

/** What use cases are handed: the database, and what time it is. One that needs more names that beside it. */
export interface Context {
  readonly db: Db;
  readonly now: () => Date;
}
