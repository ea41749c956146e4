import { CompiledQuery, sql } from 'kysely';
import type { Db } from '../../src/db/schema.ts';

/** Tables that grow with every backup and every sign-in. */
const LARGE = [
  ...['backups', 'backup_objects', 'runs', 'sessions', 'schedule_slots', 'drills', 'audit_logs'],
  ...['events', 'notifications', 'deliveries', 'delivery_items', 'restores', 'run_askers'],
];
/** Indexes that hold few rows whatever the tables hold: what waits, runs, is unclear or is being deleted. */
const OF_FEW_ROWS = [
  ...['backups_waiting', 'backups_one_pending', 'backups_one_in_progress'],
  'schedule_slots_watched',
  ...['runs_waiting', 'runs_one_waiting', 'runs_one_running', 'runs_uncertain', 'backups_deleted'],
  ...['backups_manifest_due', 'audit_logs_unchained'],
  'restores_kept',
  ...['events_untold', 'deliveries_due', 'deliveries_open', 'notifications_unread'],
];

interface Step {
  readonly id: number;
  readonly parent: number;
  readonly detail: string;
}

/**
 * What in the query's plan would grow with the large tables, in words: a read from end to end, or a sort of what was
 * found there. Empty for what does not, and for what has no plan.
 */
export async function costsOf(db: Db, query: CompiledQuery): Promise<readonly string[]> {
  if (!/^\s*(select|insert|update|delete|with)\b/i.test(query.sql)) return [];
  const explained = CompiledQuery.raw(`explain query plan ${query.sql}`, [...query.parameters]);
  const { rows } = await db.executeQuery<Step>(explained);
  const large = largeNames(query.sql);
  const read = (step: Step) => /^(?:SCAN|SEARCH) (\S+)/.exec(step.detail)?.[1] ?? '';
  // In the order of an index, and no further than the page goes.
  const isOnePage = (step: Step, all: readonly Step[]) =>
    / limit \?(?: offset \?)?$/.test(query.sql) &&
    / USING (?:COVERING )?INDEX /.test(step.detail) &&
    !all.some(({ detail }) => detail.startsWith('USE TEMP B-TREE'));
  return rows.flatMap((step) => {
    const isScan =
      step.detail.startsWith('SCAN ') &&
      large.has(read(step)) &&
      !isOfFewRows(step) &&
      !isOnePage(step, rows);
    const isSort =
      step.detail.startsWith('USE TEMP B-TREE') &&
      rows.some((other) => other.parent === step.parent && large.has(read(other)) && !isOfFewRows(other));
    return isScan || isSort ? [`${step.detail}: ${query.sql}`] : [];
  });
}

/** The large tables by the names that the query gives them; a query within it is one of them where it reads them. */
function largeNames(text: string): ReadonlySet<string> {
  const aliases = [...text.matchAll(/"(\w+)" as "(\w+)"/g)].filter(([, table = '']) => LARGE.includes(table));
  // One that is cut off is as large as its limit.
  const inner = [...text.matchAll(/(?<! limit \?)\) as "(\w+)"/g)].map(([, name = '']) => name);
  return new Set([...LARGE, ...aliases.map(([, , alias = '']) => alias), ...inner]);
}

function isOfFewRows({ detail }: Step): boolean {
  return OF_FEW_ROWS.some((index) => detail.includes(` INDEX ${index}`));
}

/** Columns of the large tables that name a row of another one, without an index to find them by when it goes. */
export async function unindexedReferences(db: Db): Promise<readonly string[]> {
  const found: string[] = [];
  for (const table of LARGE) {
    const references = await rowsOf<{ from: string }>(db, `pragma foreign_key_list(${table})`);
    const indexes = await rowsOf<{ name: string }>(db, `pragma index_list(${table})`);
    const first = await Promise.all(
      indexes.map(({ name }) => rowsOf<{ seqno: number; name: string }>(db, `pragma index_info(${name})`)),
    );
    const led = first.flatMap((columns) =>
      columns.filter(({ seqno }) => seqno === 0).map(({ name }) => name),
    );
    for (const { from } of references) if (!led.includes(from)) found.push(`${table}.${from}`);
  }
  return found;
}

async function rowsOf<T>(db: Db, text: string): Promise<readonly T[]> {
  return (await sql.raw<T>(text).execute(db)).rows;
}
