import type { Db, Trx } from './schema.ts';

/**
 * The beginning of a query that is the same whoever asks: of dozens of columns and joins, it takes as long to be built as to be run. A
 * builder never changes: what is added makes another. In a transaction, which has a connection of its own, it is built anew.
 */
export function builtOnce<Query>(build: (db: Db | Trx) => Query): (db: Db | Trx) => Query {
  const built = new WeakMap<Db, Query>();
  return (db) => {
    if (db.isTransaction) return build(db);
    const known = built.get(db) ?? build(db);
    built.set(db, known);
    return known;
  };
}
