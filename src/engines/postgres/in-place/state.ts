import { quote } from '../../../hosts/quote.ts';
import { literal } from '../restore-lines.ts';
import { type PostgresRestoreTarget, workName } from '../restore-target.ts';

/**
 * Shell function `look_at_swap`: sets `swap` to what the names on the server tell of it.
 *
 * - `before`: the database that is replaced has its name, and what was restored has its own.
 * - `after`: what was restored has the name, and the replaced one is kept.
 * - `between`: the name is nobody's, the two are there under their others; nothing of ours leaves that behind.
 * - `nameless`: as `between`, without what was restored.
 * - `gone`: as `before`, without what was restored.
 * - `other`: anything else, such as another database under that name.
 */
export function lookAtSwap(target: PostgresRestoreTarget, keptName: string, replacedId: string): string {
  const oidOf = (name: string) => `(SELECT oid FROM pg_catalog.pg_database WHERE datname = ${literal(name)})`;
  const query = `SELECT CASE
  WHEN here.oid = ${replacedId} AND work.oid IS NOT NULL AND kept.oid IS NULL THEN 'before'
  WHEN here.oid = ${replacedId} AND work.oid IS NULL THEN 'gone'
  WHEN here.oid IS NOT NULL AND kept.oid = ${replacedId} AND work.oid IS NULL THEN 'after'
  WHEN here.oid IS NULL AND kept.oid = ${replacedId} AND work.oid IS NOT NULL THEN 'between'
  WHEN here.oid IS NULL AND kept.oid = ${replacedId} THEN 'nameless'
  ELSE 'other' END
FROM (SELECT ${oidOf(target.newName)} AS oid) here, (SELECT ${oidOf(keptName)} AS oid) kept,
  (SELECT ${oidOf(workName(target))} AS oid) work`;
  return `look_at_swap() {
  swap=$(ask ${quote(query)}) || exit
}`;
}
