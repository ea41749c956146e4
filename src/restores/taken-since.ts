import { wireOptions } from '../databases/options.ts';
import type { Db, RestoreRow } from '../db/schema.ts';
import { asideName } from '../engines/drop.ts';
import type { Engine } from '../engines/engine.ts';
import { engineFor } from '../engines/engines.ts';
import { AppError } from '../errors.ts';
import { loadOptionsOf } from './load-options.ts';
import { isSamePlace, type Located } from './places.ts';

/** Paths that a command is told of; it is an argument itself. */
const MOST_PATHS = 200;

/**
 * Throws `conflict` where what a restore has made or kept under that name is somebody's by now: restored again into that name since, or registered as a database.
 * Gives, of files, the paths of the registered ones on that machine, those of the same last name first: a link may lead to it, too.
 */
export async function refuseTaken(
  db: Db,
  row: RestoreRow,
  name: string,
): Promise<{ readonly registered: readonly string[] }> {
  const engine = engineFor(row.engine);
  if (engine === undefined) return { registered: [] };
  const place = await locate(db, row);
  // A database whose drop was begun may have another name by now: it is told by its number, and the name may be somebody else's.
  const isElsewhere = !engine.isFile && loadOptionsOf(row).dropBegun !== undefined;
  if (!isElsewhere) await refuseRestoredSince(db, engine, { row, name, place });
  return refuseRegistered(db, engine, { row, name, place });
}

/** Whether another restore has made a database under the name of one that is left, after that one was asked for; a file is told by its second name. */
export async function wasRestoredSince(db: Db, row: RestoreRow): Promise<boolean> {
  const engine = engineFor(row.engine);
  if (engine === undefined || engine.isFile) return false;
  return isRestoredSince(db, engine, {
    ...{ row, name: row.new_name, since: row.created_at, place: await locate(db, row) },
  });
}

interface Restored {
  readonly row: RestoreRow;
  readonly name: string;
  readonly place: Located;
}

/** What has the name is that one's by now, whatever became of this one. */
async function refuseRestoredSince(db: Db, engine: Engine, restored: Restored): Promise<void> {
  if (!(await isRestoredSince(db, engine, { ...restored, since: restored.row.ended_at ?? '' }))) return;
  throw new AppError(
    'conflict',
    `“${restored.name}” was restored again since, so what has that name is not of this restore. Drop it on the page of the later one.`,
  );
}

async function isRestoredSince(
  db: Db,
  engine: Engine,
  { row, name, place, since }: Restored & { readonly since: string },
): Promise<boolean> {
  const others = await db
    .selectFrom('restores')
    .leftJoin('servers', 'servers.id', 'restores.server_id')
    .select(['restores.server_id', 'restores.host', 'restores.port', 'servers.hostname', 'servers.public_ip'])
    .where('restores.engine', '=', row.engine)
    .where('restores.new_name', '=', name)
    .where('restores.id', '!=', row.id)
    .where('restores.is_drill', 'is', null)
    .where((eb) =>
      eb.or([
        eb('restores.state', '=', 'finishing'),
        eb.and([eb('restores.state', '=', 'done'), eb('restores.ended_at', '>=', since)]),
      ]),
    )
    .execute();
  return others.some((other) => isSamePlace(engine, place, other));
}

/** Somebody may have gone on with it, and registered it, by whichever of its server's names. */
async function refuseRegistered(db: Db, engine: Engine, { row, name, place }: Restored) {
  const ofType = await db
    .selectFrom('databases')
    .leftJoin('servers', 'servers.id', 'databases.server_id')
    .select(['databases.name', 'databases.server_id', 'databases.host', 'databases.port'])
    .select(['databases.options', 'servers.hostname', 'servers.public_ip'])
    .where('databases.type', '=', row.engine)
    .$if(!engine.isFile, (query) =>
      query.where('databases.database_name', 'in', [name, asideName(row.token)]),
    )
    .execute();
  const there = ofType.filter((database) => isSamePlace(engine, place, database));
  const paths = there.map(({ options }) => wireOptions(options).filePath ?? '');
  const at = engine.isFile ? paths.findIndex((path) => normal(path) === normal(name)) : 0;
  const found = there[at];
  if (found !== undefined) {
    throw new AppError(
      'conflict',
      `“${name}” is registered as the database ${found.name}, whose backups would fail without it. Delete that first.`,
    );
  }
  if (!engine.isFile) return { registered: [] };
  const isLike = (path: string) => (lastOf(path) === lastOf(name) ? 0 : 1);
  const known = paths.filter((path) => path.startsWith('/') && !path.includes('\0'));
  return { registered: known.sort((one, other) => isLike(one) - isLike(other)).slice(0, MOST_PATHS) };
}

/** The path without what leads nowhere: `//`, `.` and `..`. */
function normal(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

const lastOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);

/** With what is known of its server. */
async function locate(db: Db, { server_id: serverId, host, port }: RestoreRow): Promise<Located> {
  const server =
    serverId === null
      ? undefined
      : await db
          .selectFrom('servers')
          .select(['hostname', 'public_ip'])
          .where('id', '=', serverId)
          .executeTakeFirst();
  return {
    ...{ server_id: serverId, host, port },
    ...{ hostname: server?.hostname ?? null, public_ip: server?.public_ip ?? null },
  };
}
