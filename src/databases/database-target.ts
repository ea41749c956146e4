import * as z from 'zod';
import type { DatabaseRow } from '../db/schema.ts';
import type { DumpPlan, DumpShape, Engine, EngineTarget, LookPlan } from '../engines/engine.ts';
import { engineFor } from '../engines/engines.ts';
import { AppError } from '../errors.ts';
import { SEALED } from '../secrets/sealed.ts';
import type { Vault } from '../secrets/vault.ts';
import type { ServerAccess, ServerAddress } from '../servers/server-access.ts';
import { heldSentence, refuseOtherTarget, type TargetColumns } from './password-target.ts';

export const credentialsSchema = z.object({
  username: z.string().nullable(),
  password: z.string().nullable(),
});

/** What an engine makes of a database: the commands to look at it and to dump it, and the fields it records. */
export interface DatabasePlans {
  readonly look: LookPlan;
  readonly dump: DumpPlan;
  readonly format: string | null;
  /** The database's file on its host, for an engine that reads one. */
  readonly file: string | null;
  /** Throws `password_held` unless the password in the commands was given for this database on that machine. */
  checkTarget(address: ServerAddress | null): void;
}

/**
 * The engine's plans for a database, its credentials opened; `servers` judges where it lies. Throws `host_unreachable` for
 * a database outside of the networks that may be reached, `invalid` for a type without a backup (`Unsupported database type
 * or missing configuration: <type>`) and for options that can't be dumped.
 */
export async function planDatabase(
  database: DatabaseRow,
  vault: Vault,
  servers: Pick<ServerAccess, 'databaseAddress'>,
): Promise<DatabasePlans> {
  const engine = engineFor(database.type);
  if (!engine) {
    throw new AppError('invalid', `Unsupported database type or missing configuration: ${database.type}`);
  }
  const address = engine.isFile ? null : await servers.databaseAddress(database.server_id, database.host);
  const target = { ...(await openTarget(engine, database, vault)), address };
  return {
    look: engine.look(target),
    dump: engine.dump(target),
    format: textOption(database, 'backupFormat'),
    file: textOption(database, 'filePath'),
    checkTarget: (address) => checkPasswordTarget(database, target.password, address),
  };
}

/** Throws `password_held` unless the password was given for this database on that machine. */
export function checkPasswordTarget(
  database: TargetColumns,
  password: string | null,
  address: ServerAddress | null,
): void {
  // Nobody knows whom such a password was given for.
  if (password !== null && database.password_target === null) {
    throw new AppError('password_held', heldSentence(database.name, ['it is not recorded']));
  }
  refuseOtherTarget(database, address);
}

/** What a dump of it is by its settings, without its secrets; null where it can't be dumped by them. */
export function dumpShapeOf(database: Pick<DatabaseRow, 'type' | 'options'>): DumpShape | null {
  const engine = engineFor(database.type);
  const options = engine?.options.safeParse(JSON.parse(database.options));
  return engine !== undefined && options?.success ? engine.shape(options.data) : null;
}

/** Where a database is, its credentials opened. Throws `invalid` for options that are none. */
export async function openTarget(
  engine: Engine,
  database: Pick<DatabaseRow, 'id' | 'name' | 'options' | 'credentials' | 'host' | 'port' | 'database_name'>,
  vault: Vault,
): Promise<Omit<EngineTarget, 'address'>> {
  const options = engine.options.safeParse(JSON.parse(database.options));
  if (!options.success) {
    throw new AppError(
      'invalid',
      `The settings of database "${database.name}" are not complete: ${z.prettifyError(options.error)}`,
    );
  }
  const credentials =
    database.credentials === null
      ? { username: null, password: null }
      : credentialsSchema.parse(
          JSON.parse(
            await vault.open(database.credentials, SEALED.databaseCredentials.identity(database.id)),
          ),
        );
  return {
    host: database.host,
    port: database.port,
    databaseName: database.database_name,
    ...credentials,
    options: options.data,
  };
}

function textOption(database: DatabaseRow, name: string): string | null {
  const options = z.record(z.string(), z.unknown()).parse(JSON.parse(database.options));
  const value = options[name];
  return typeof value === 'string' ? value : null;
}
