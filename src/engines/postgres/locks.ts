import * as z from 'zod';
import type { LockLook } from '../engine.ts';
import { connectionLines, connectionSecrets, type PostgresTarget } from './connection.ts';
import { FIND_PG_DUMP } from './tools.ts';

/** Asks the server what the running dump of this target waits for, and who holds it. No statement of anybody is read. */
export function lookAtPostgresLocks(target: PostgresTarget): LockLook {
  const script = `${connectionLines(target)}
${FIND_PG_DUMP}
find_psql || exit
ask "${WAITS}"`;
  return { command: { script, secrets: connectionSecrets(target) }, read };
}

// A pooler may write more behind our application_name.
const WAITS = `SELECT pg_catalog.concat('bridgeport:wait=', pg_catalog.row_to_json(wait)) FROM (
  SELECT c.relkind AS kind, n.nspname AS schema, c.relname AS name, l.locktype AS type, b.pid,
    h.usename AS user, h.application_name AS application, h.client_addr AS address, h.state,
    pg_catalog.to_char(COALESCE(h.xact_start, h.query_start) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS since,
    pg_catalog.pg_blocking_pids(b.pid) AS behind
  FROM pg_catalog.pg_stat_activity a
  JOIN pg_catalog.pg_locks l ON l.pid = a.pid AND NOT l.granted
  CROSS JOIN LATERAL (SELECT DISTINCT pg_catalog.unnest(pg_catalog.pg_blocking_pids(a.pid)) AS pid) b
  LEFT JOIN pg_catalog.pg_stat_activity h ON h.pid = b.pid
  LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE a.datname = pg_catalog.current_database() AND a.usename = CURRENT_USER
    AND a.application_name LIKE 'bridgeport%' AND a.pid <> pg_catalog.pg_backend_pid()
  LIMIT 5) wait`;

const text = z.string().nullish();
const wait = z.object({
  kind: text,
  schema: text,
  name: text,
  type: z.string(),
  pid: z.number(),
  user: text,
  application: text,
  address: text,
  state: text,
  since: text,
  behind: z.array(z.number()).nullish(),
});
type Wait = z.infer<typeof wait>;

function read(stdout: string): string | null {
  const waits = [...stdout.matchAll(/^bridgeport:wait=(\{.*\})$/gm)].map(([, json = '']) =>
    wait.parse(JSON.parse(json)),
  );
  const [first] = waits;
  if (first === undefined) return null;
  return `it waited for a lock on ${thingOf(first)}, which is held or asked for by ${waits.map(describeHolder).join(' and ')}`;
}

const KINDS: Readonly<Record<string, string>> = {
  S: 'sequence',
  v: 'view',
  m: 'materialized view',
  i: 'index',
};

function thingOf({ kind, schema, name, type }: Wait): string {
  if (!name) return `a ${type}`;
  return `${KINDS[kind ?? ''] ?? 'table'} "${schema ?? ''}"."${name}"`;
}

function describeHolder({ pid, user, application, address, state, since, behind }: Wait): string {
  const known = [
    user ? `user "${user}"` : '',
    application ? `application "${application}"` : '',
    address ? `from ${address}` : '',
    [state ?? '', since ? `since ${since} UTC` : ''].filter(Boolean).join(' '),
    behind?.length ? `itself behind process ${behind.join(', ')}` : '',
  ].filter(Boolean);
  return `process ${pid}${known.length > 0 ? ` (${known.join(', ')})` : ''}`;
}
