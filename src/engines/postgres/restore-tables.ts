import type { PreflightCheck, TableName } from '../restore.ts';
import type { PostgresRestoreTarget } from './restore-target.ts';

/** What comes of tables that were chosen, and what does not; none where all is restored. */
export function tableChecks(target: PostgresRestoreTarget): readonly PreflightCheck[] {
  const { tables, partitioned = [], maybePartitioned = [] } = target;
  if (!tables) return [];
  return [
    {
      name: 'Tables',
      ok: true,
      says: `Only ${listed(tables)}, with their rows. Left out is all else: primary and foreign keys, indexes, other constraints, triggers, sequences and what they fill in, large objects, views, functions, types and extensions; and who may see what: owners, grants, row security and its policies. All is the restoring user’s. A table that needs a type or a function of the dump can’t be restored alone: then it fails, and nothing is kept.`,
    },
    ...(partitioned.length === 0 ? [] : [partitionCheck(PARTITIONED, partitioned)]),
    ...(maybePartitioned.length === 0 ? [] : [partitionCheck(MAYBE_PARTITIONED, maybePartitioned)]),
  ];
}

const PARTITIONED =
  'comes without rows: its rows are in its partitions, which come as tables of their own and are not attached to it.';
const MAYBE_PARTITIONED =
  'has no rows of its own in this backup, which was made before it was noted which tables are partitioned. If it is, its rows are in its partitions: choose those, too.';

function partitionCheck(what: string, tables: readonly TableName[]): PreflightCheck {
  return { name: 'Partitions', ok: true, says: `Of ${listed(tables)} each ${what}` };
}

function listed(tables: readonly TableName[]): string {
  const named = tables.slice(0, NAMED_TABLES).map(({ schema, name }) => `${schema}.${name}`);
  return `${named.join(', ')}${tables.length > NAMED_TABLES ? ` and ${tables.length - NAMED_TABLES} more` : ''}`;
}

const NAMED_TABLES = 10;
