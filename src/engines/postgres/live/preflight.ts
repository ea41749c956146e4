import * as z from 'zod';
import { quote } from '../../../hosts/quote.ts';
import type { DumpContents, NamedObject } from '../../contents.ts';
import type { LiveTarget } from '../../in-place.ts';
import type { PreflightCheck } from '../../restore.ts';
import { connectedCheck, readReplaced, replacedQuery } from '../in-place/preflight.ts';
import type { PostgresRestoreTarget } from '../restore-target.ts';
import { dependents, named, type Relation } from './outside.ts';

/** Shell lines, behind `maintenanceLines`, that print what `liveChecks` reads. */
export function liveScript(target: PostgresRestoreTarget): string {
  return `replaced=$(ask ${quote(replacedQuery(target, { keptName: '' }))}) || exit
printf 'bridgeport:replaced=%s\\n' "$replaced"
holds=$(PGDATABASE=${quote(target.newName)}; ask ${quote(HOLDS)}) || case $replaced in *'"replaced": null'*) ;; *) exit 2 ;; esac
printf 'bridgeport:live=%s\\n' "$holds"`;
}

const OUTSIDE = String.raw`n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_%'`;
const USERS_OWN = `NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
  AND e.objid = c.oid AND e.deptype = 'e')`;

/** Tables and views with what depends on them; of extensions none, which come and go with these. */
const HOLDS = `SELECT pg_catalog.json_build_object(
  'mayMake', pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),
  'schemas', (SELECT pg_catalog.json_agg(n.nspname) FROM pg_catalog.pg_namespace n
    WHERE ${OUTSIDE} AND NOT pg_catalog.has_schema_privilege(n.oid, 'CREATE')),
  'extensions', (SELECT pg_catalog.json_agg(extname) FROM pg_catalog.pg_extension WHERE NOT pg_catalog.pg_has_role(extowner, 'USAGE')),
  'relations', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('schema', n.nspname, 'name', c.relname,
      'isTable', c.relkind IN ('r', 'p', 'f'), 'owner', CASE WHEN pg_catalog.pg_has_role(c.relowner, 'USAGE') THEN NULL
        ELSE pg_catalog.pg_get_userbyid(c.relowner) END) ORDER BY n.nspname, c.relname)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND c.relpersistence <> 't' AND ${OUTSIDE} AND ${USERS_OWN}),
  'uses', (SELECT pg_catalog.json_agg(DISTINCT pg_catalog.jsonb_build_array(used.what, used.schema, used.name, un.nspname, uc.relname))
    FROM (
      SELECT 'key' AS what, n.nspname AS schema, c.relname AS name, k.confrelid AS of
      FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE k.contype = 'f' AND k.conrelid <> k.confrelid
      UNION ALL
      SELECT 'view', n.nspname, c.relname, d.refobjid
      FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
        JOIN pg_catalog.pg_class c ON c.oid = r.ev_class JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
        AND d.refobjid <> c.oid AND ${OUTSIDE}
      UNION ALL
      SELECT 'child', n.nspname, c.relname, i.inhparent
      FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    ) used JOIN pg_catalog.pg_class uc ON uc.oid = used.of JOIN pg_catalog.pg_namespace un ON un.oid = uc.relnamespace
    WHERE un.nspname NOT IN ('pg_catalog', 'information_schema')))`;

const relation = z.object({
  ...{ schema: z.string(), name: z.string(), isTable: z.boolean(), owner: z.string().nullable() },
});
const holdsShape = z.object({
  mayMake: z.boolean(),
  schemas: z.array(z.string()).nullable(),
  extensions: z.array(z.string()).nullable(),
  relations: z.array(relation).nullable(),
  uses: z.array(z.tuple([z.string(), z.string(), z.string(), z.string(), z.string()])).nullable(),
});
type Holds = z.infer<typeof holdsShape>;

/** What is looked at before a backup is restored into a database that is in use. Throws for what is no answer. */
export function liveChecks(
  { newName, contents }: PostgresRestoreTarget,
  { endSessions }: LiveTarget,
  { is, holds: text }: { readonly is: string; readonly holds: string | undefined },
): readonly PreflightCheck[] {
  const { replaced } = readReplaced(is);
  if (replaced === null || text === undefined) {
    const says = `There is no database “${newName}” to be restored into. Have it made, or restore beside it.`;
    return [{ name: 'Name', ok: false, says }];
  }
  const holds = holdsShape.parse(JSON.parse(text));
  const says = `“${newName}” is there, and keeps its owner, its settings and its grants; what is in it gets those of the backup. Nothing of it is kept beside: what is there before is in its safety backup alone.`;
  return [
    { name: 'Name', ok: true, says },
    contentCheck(contents ?? null),
    ...(contents
      ? [staysCheck(holds, contents), dependsCheck(holds, contents), mayCheck(holds, contents)]
      : []),
    connectedCheck(newName, replaced, { endSessions, what: 'where they hold what is to be replaced' }),
  ];
}

/** In place of that of a restore that makes a database: who may, needs none of this. */
export function liveRightsCheck({
  user,
  mayCreate,
}: {
  readonly user: string;
  readonly mayCreate: boolean | null;
}): PreflightCheck {
  const ok = mayCreate !== true;
  return {
    name: 'Rights',
    ok,
    says: ok
      ? `User “${user}” may not create databases, so that nothing can be restored beside this one.`
      : `User “${user}” may create databases: restore in place without intoLive, which restores beside it, compares, and keeps what is there.`,
  };
}

/** What nobody has counted could not be compared, and what is not defined would be added to what is there. */
function contentCheck(contents: DumpContents | null): PreflightCheck {
  const name = 'Content';
  if (contents === null) {
    const says =
      'What the backup holds is not known, so that nobody could say what stays, and compare it. Read it in full first; of a database of more than 20,000 tables that does not help.';
    return { name, ok: false, says };
  }
  const { tables } = contents;
  const defined = tables.filter(({ definition }) => definition !== null);
  const isDataAlone = defined.length < tables.length && contents.extensions.length === 0;
  if (defined.length === 0 || isDataAlone) {
    const says =
      'The backup has no definitions of its tables: what is in it would be added to what is there. Restore it by hand.';
    return { name, ok: false, says };
  }
  if (tables.some(({ rows }) => rows === null)) {
    const says =
      'The rows of the backup were not counted yet, so that nobody could compare them. Read it in full first.';
    return { name, ok: false, says };
  }
  const rows = tables.reduce((sum, table) => sum + (table.rows ?? 0), 0);
  const says = `${count(tables.length, 'table')} with ${count(rows, 'row')} are dropped, where they are there, and made anew, in one transaction: it is whole, or all is as it was.`;
  return { name, ok: true, says };
}

function staysCheck({ relations }: Holds, contents: DumpContents): PreflightCheck {
  const inDump = keysOf(contents.tables);
  const stays = (relations ?? []).filter((one) => one.isTable && !inDump.has(key(one)));
  const says =
    stays.length === 0
      ? 'Every table that is there is in the backup, too, and replaced. Functions, types and the like that the backup lacks stay.'
      : `The backup lacks ${named(stays)}, which ${stays.length === 1 ? 'stays as it is' : 'stay as they are'}; so do functions, types and the like that it lacks.`;
  return { name: 'What stays', ok: true, says };
}

/** Of what is known by names; the server refuses all else, and then all of it. */
function dependsCheck({ relations, uses }: Holds, contents: DumpContents): PreflightCheck {
  const name = 'What depends on it';
  const inDump = keysOf(contents.tables);
  const known = new Set([...inDump, ...keysOf(contents.others ?? [])]);
  const found = dependents(uses ?? [], { inDump, known, views: contents.others !== undefined });
  const schemas = new Set(
    contents.tables.map(({ schema }) => schema).filter((schema) => schema !== 'public'),
  );
  const within = (relations ?? []).filter((one) => schemas.has(one.schema) && !known.has(key(one)));
  if (found.length > 0) {
    const says = `${found.slice(0, MOST_NAMED).join('; ')}${found.length > MOST_NAMED ? `; and ${found.length - MOST_NAMED} more` : ''}. Nothing is dropped by CASCADE, so that the restore would fail. Drop these first, or restore beside it.`;
    return { name, ok: false, says };
  }
  if (within.length > 0 && contents.others !== undefined) {
    const says = `The schemas of the backup are made anew, too, and ${named(within)} in them would be in the way: nothing is dropped by CASCADE. Move or drop that first, or restore beside it.`;
    return { name, ok: false, says };
  }
  const says =
    'No foreign key and no view from outside of the backup that can be seen. Where something else does, nothing is changed, and it is named then.';
  return { name, ok: true, says };
}

function mayCheck(holds: Holds, contents: DumpContents): PreflightCheck {
  const name = 'Owner';
  const inDump = keysOf(contents.tables);
  const foreign = (holds.relations ?? []).filter((one) => inDump.has(key(one)) && one.owner !== null);
  const schemas = new Set(contents.tables.map(({ schema }) => schema ?? ''));
  const closed = (holds.schemas ?? []).filter((schema) => schemas.has(schema));
  const extensions = (holds.extensions ?? []).filter((one) => contents.extensions.includes(one));
  const why = [
    ...(foreign.length === 0
      ? []
      : [
          `may not replace ${named(foreign)}, which belong to ${[...new Set(foreign.map(({ owner }) => owner))].join(', ')}`,
        ]),
    ...(closed.length === 0 ? [] : [`may make nothing in the schema ${closed.join(', ')}`]),
    ...(extensions.length === 0
      ? []
      : [`may not replace the extension ${extensions.join(', ')}, which is not the user’s own`]),
    ...(holds.mayMake || [...schemas].every((schema) => schema === 'public')
      ? []
      : ['may make no schema in the database']),
  ];
  if (why.length === 0) return { name, ok: true, says: 'The user may replace each table of the backup.' };
  return { name, ok: false, says: `The user ${why.join('; ')}. Give another user for this restore.` };
}

const MOST_NAMED = 5;

function keysOf(objects: readonly NamedObject[]): ReadonlySet<string> {
  return new Set(objects.map(key));
}

function key({ schema, name }: NamedObject | Relation): string {
  return JSON.stringify([schema, name]);
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString('en-GB')} ${noun}${number === 1 ? '' : 's'}`;
}
