import * as z from 'zod';
import type { DatabaseRow, Db, ServerRow } from '../db/schema.ts';
import type { Engine } from '../engines/engine.ts';

/** A database of ours. */
export interface Registered {
  readonly id: string;
  readonly name: string;
}

/** Where a database server listens, as it was typed. */
export interface Listening {
  readonly host?: string | null | undefined;
  readonly port?: number | null | undefined;
}

/**
 * The databases of that type on this server that are registered already, by the name that their tools have for them: in
 * the database server that listens there, or the paths of files.
 */
export async function registeredOn(
  db: Db,
  server: Pick<ServerRow, 'id'>,
  engine: Engine,
  listening: Listening,
): Promise<ReadonlyMap<string, Registered>> {
  const rows = await db
    .selectFrom('databases')
    .select(['id', 'name', 'host', 'port', 'database_name', 'options'])
    .where('server_id', '=', server.id)
    .where('type', '=', engine.type)
    .execute();
  const place = placeOf(engine, listening);
  return new Map(
    rows.flatMap((row): readonly [string, Registered][] => {
      const name = engine.isFile ? filePathOf(row) : row.database_name;
      if (name === null || (!engine.isFile && placeOf(engine, row) !== place)) return [];
      return [[name, { id: row.id, name: row.name }]];
    }),
  );
}

/** A server of the host itself has many names. */
function placeOf(engine: Engine, { host, port }: Listening): string {
  const name = (host ?? '').toLowerCase();
  const isHere = ['', 'localhost', '127.0.0.1', '::1'].includes(name);
  return `${isHere ? '' : name} ${port ?? engine.defaultPort}`;
}

const withFile = z.object({ filePath: z.string().nullish() });

function filePathOf({ options }: Pick<DatabaseRow, 'options'>): string | null {
  return withFile.parse(JSON.parse(options)).filePath ?? null;
}
