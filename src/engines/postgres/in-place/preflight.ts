import * as z from 'zod';
import type { InPlaceTarget } from '../../in-place.ts';
import type { PreflightCheck } from '../../restore.ts';
import { literal } from '../restore-lines.ts';
import type { PostgresRestoreTarget } from '../restore-target.ts';

/**
 * Gives one line of JSON for `inPlaceChecks`: the database that is to be replaced, what the user may do with it, and who uses it. Workers
 * of autovacuum are nobody's, and leave by themselves: few users may see what they are, but all see that they are of no user.
 */
export function replacedQuery(
  { newName }: PostgresRestoreTarget,
  { keptName }: Pick<InPlaceTarget, 'keptName'>,
): string {
  return `SELECT pg_catalog.json_build_object(
    'isHere', pg_catalog.current_database() = ${literal(newName)},
    'isKeptTaken', EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = ${literal(keptName)}),
    'replaced', (SELECT pg_catalog.json_build_object(
      'owner', pg_catalog.pg_get_userbyid(d.datdba),
      'isOwner', pg_catalog.pg_has_role(d.datdba, 'USAGE'),
      'tablespace', t.spcname,
      'isTablespaceOpen', pg_catalog.has_tablespace_privilege(t.oid, 'CREATE')
        OR d.dattablespace = (SELECT p.dattablespace FROM pg_catalog.pg_database p WHERE p.datname = 'template0'),
      'prepared', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_prepared_xacts x WHERE x.database = d.datname),
      'slots', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_replication_slots s WHERE s.database = d.datname),
      'subscriptions', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_subscription s WHERE s.subdbid = d.oid),
      'sessions', (SELECT pg_catalog.json_agg(one) FROM (
        SELECT coalesce(a.usename, 'a user who is gone') AS "user", pg_catalog.count(*) AS count,
          pg_catalog.bool_and(me.rolsuper OR coalesce(NOT r.rolsuper AND (pg_catalog.pg_has_role('pg_signal_backend', 'USAGE')
            OR pg_catalog.pg_has_role(r.oid, 'USAGE')), false)) AS "mayEnd"
        FROM pg_catalog.pg_stat_activity a LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid,
          (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER) me
        WHERE a.datid = d.oid AND a.pid <> pg_catalog.pg_backend_pid() AND a.usesysid IS NOT NULL
        GROUP BY 1 ORDER BY 2 DESC, 1) one))
      FROM pg_catalog.pg_database d JOIN pg_catalog.pg_tablespace t ON t.oid = d.dattablespace
      WHERE d.datname = ${literal(newName)}))::pg_catalog.jsonb`;
}

/** Throws for what is no answer of `replacedQuery`. */
export function readReplaced(answer: string) {
  return factsShape.parse(JSON.parse(answer));
}

const sessionShape = z.object({ user: z.string(), count: z.number(), mayEnd: z.boolean() });
const replacedShape = z.object({
  owner: z.string(),
  isOwner: z.boolean(),
  tablespace: z.string(),
  isTablespaceOpen: z.boolean(),
  prepared: z.number(),
  slots: z.number(),
  subscriptions: z.number(),
  sessions: z.array(sessionShape).nullable(),
});
const factsShape = z.object({
  isHere: z.boolean(),
  isKeptTaken: z.boolean(),
  replaced: replacedShape.nullable(),
});
type Replaced = z.infer<typeof replacedShape>;

/** The lines that a restore in place has instead of a free name. Throws for what is no answer of `replacedQuery`. */
export function inPlaceChecks(
  { newName }: PostgresRestoreTarget,
  { keptName, endSessions, adopts }: InPlaceTarget,
  answer: string,
): readonly PreflightCheck[] {
  const { isHere, isKeptTaken, replaced } = readReplaced(answer);
  if (replaced === null) {
    const says = `There is no database “${newName}” to be replaced. Restore it under that name as a new one.`;
    return [{ name: 'Name', ok: false, says }];
  }
  return [
    nameCheck(newName, keptName, { isHere, isKeptTaken }),
    ownerCheck(newName, replaced, adopts !== undefined),
    sessionsCheck(newName, replaced, endSessions),
  ];
}

function nameCheck(
  newName: string,
  keptName: string,
  { isHere, isKeptTaken }: { readonly isHere: boolean; readonly isKeptTaken: boolean },
): PreflightCheck {
  const name = 'Name';
  if (isHere || SERVERS_OWN.includes(newName)) {
    const says = `“${newName}” can’t be replaced: it is the server’s own, or the only one that lets the user in. Restore beside it.`;
    return { name, ok: false, says };
  }
  if (isKeptTaken) {
    const says = `There is a database “${keptName}” already, the name that “${newName}” is to be kept under. Ask again, or rename that one.`;
    return { name, ok: false, says };
  }
  return { name, ok: true, says: `“${newName}” is there, and will be kept as “${keptName}”.` };
}

const SERVERS_OWN = ['postgres', 'template0', 'template1'];

function ownerCheck(
  newName: string,
  { owner, isOwner, tablespace, isTablespaceOpen }: Replaced,
  isAdopted: boolean,
): PreflightCheck {
  const name = 'Owner';
  if (!isOwner) {
    const says = `“${newName}” belongs to “${owner}”, as whom the user may not act, and so may not rename it. Give another user for this restore: ${owner}, or a superuser.`;
    return { name, ok: false, says };
  }
  if (isAdopted) {
    const says = `What was restored will belong to “${owner}”, too, with the same settings and grants; its locale and its tablespace stay.`;
    return { name, ok: true, says };
  }
  if (!isTablespaceOpen) {
    const says = `“${newName}” lies in the tablespace “${tablespace}”, where the user may make nothing. Give another user, or let it: GRANT CREATE ON TABLESPACE ….`;
    return { name, ok: false, says };
  }
  const says = `The new one will belong to “${owner}”, too, with the same locale, tablespace, settings and grants.`;
  return { name, ok: true, says };
}

function sessionsCheck(newName: string, replaced: Replaced, endSessions: boolean): PreflightCheck {
  const { prepared, slots, subscriptions } = replaced;
  const name = 'Sessions';
  const fixed = [
    ...(prepared > 0 ? [`${prepared} prepared transactions`] : []),
    ...(slots > 0 ? [`${slots} logical replication slots`] : []),
    ...(subscriptions > 0 ? [`${subscriptions} subscriptions`] : []),
  ];
  if (fixed.length > 0) {
    const says = `“${newName}” has ${fixed.join(' and ')}, which would stay with the old one. End them, or restore beside it.`;
    return { name, ok: false, says };
  }
  return connectedCheck(newName, replaced, { endSessions, what: 'for the swap' });
}

/** Who is connected to it, and whether they may be thrown out. */
export function connectedCheck(
  newName: string,
  { sessions }: Pick<Replaced, 'sessions'>,
  { endSessions, what }: { readonly endSessions: boolean; readonly what: string },
): PreflightCheck {
  const name = 'Sessions';
  const open = sessions ?? [];
  if (open.length === 0) return { name, ok: true, says: `Nobody is connected to “${newName}”.` };
  const who = `${countOf(open)} on “${newName}” (${open.map(({ user, count }) => `${user}: ${count}`).join(', ')})`;
  if (!endSessions) {
    const says = `${who}. End them, or let the restore end them ${what}.`;
    return { name, ok: false, says };
  }
  const kept = open.filter(({ mayEnd }) => !mayEnd);
  if (kept.length > 0) {
    const says = `${who}, and the user may not end those of ${kept.map(({ user }) => user).join(', ')}. Give another user, or end them.`;
    return { name, ok: false, says };
  }
  return { name, ok: true, says: `${who}, which will be ended ${what}.` };
}

function countOf(sessions: readonly { readonly count: number }[]): string {
  const sum = sessions.reduce((total, { count }) => total + count, 0);
  return sum === 1 ? 'There is 1 session' : `There are ${sum} sessions`;
}
