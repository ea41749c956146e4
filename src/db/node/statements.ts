import type Database from 'better-sqlite3';

/** Pages and rounds of the worker ask some two hundred different questions. */
const KEPT = 300;

/**
 * The connection, for a dialect that prepares each query anew: what was prepared lately is kept, since preparing costs
 * more than most queries do. SQLite itself prepares one again when the schema or its statistics have changed.
 */
export function keepingStatements(database: Database.Database): Pick<Database.Database, 'prepare' | 'close'> {
  const kept = new Map<string, Database.Statement>();
  return {
    prepare(text: string) {
      const known = kept.get(text);
      // One that is being read row by row can't be used beside it.
      if (known?.busy) return database.prepare(text);
      const statement = known ?? database.prepare(text);
      kept.delete(text);
      if (mayBeKept(text)) kept.set(text, statement);
      const [oldest] = kept.keys();
      if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest);
      return statement;
    },
    close() {
      kept.clear();
      return database.close();
    },
  } as Pick<Database.Database, 'prepare' | 'close'>;
}

/** What changes the schema, and what SQLite does at once, comes once. */
function mayBeKept(text: string): boolean {
  return /^\s*(select|insert|update|delete|with|begin|commit|rollback)\b/i.test(text);
}
