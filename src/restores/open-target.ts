import { checkPasswordTarget, credentialsSchema, openTarget } from '../databases/database-target.ts';
import type { DatabaseRow, RestoreLoginRow, RestoreRow } from '../db/schema.ts';
import type { DumpContents } from '../engines/contents.ts';
import { engineFor } from '../engines/engines.ts';
import type { RestoreNeeds, RestorePlan, TableName } from '../engines/restore.ts';
import { AppError } from '../errors.ts';
import type { Host } from '../hosts/host.ts';
import { SEALED } from '../secrets/sealed.ts';
import type { StartedBy } from '../servers/server-access.ts';
import type { TargetContext } from './context.ts';
import { liveBy, replacedBy } from './in-place.ts';
import { loadOptionsOf, onlyTablesOf } from './load-options.ts';
import { loginFor, refuseOtherPlace } from './restore-logins.ts';
import { countsOf } from './restores.ts';
import { openLogin, refuseOtherMachine } from './typed-login.ts';

/** Who asked for it: nobody waits for a scheduled drill, and one who is gone does not count. */
export function starterOf({ asked_by_id: id }: Pick<RestoreRow, 'asked_by_id'>): StartedBy {
  return id === null ? 'schedule' : 'person';
}

/** What is known of the dump that decides how it is restored. */
export interface DumpFacts {
  readonly format: string | null;
  readonly serverVersion: string | null;
  readonly clientVersion: string | null;
  readonly expectedBytes: number | null;
  readonly dumpBytes?: number | null;
  readonly needs: RestoreNeeds | null;
  /** Of chosen tables, those whose rows are in others, and those of which nobody knows. */
  readonly partitioned?: readonly TableName[];
  readonly maybePartitioned?: readonly TableName[];
  /** Of the names in it, where that is not UTF-8. */
  readonly encoding?: string | undefined;
  readonly contents?: DumpContents | null;
}

export interface OpenedTarget {
  readonly host: Host;
  readonly plan: RestorePlan;
}

export const UNKNOWN_DUMP: DumpFacts = {
  ...{ format: null, serverVersion: null, clientVersion: null, expectedBytes: null, needs: null },
};

/**
 * The machine that a restore works on, and the plan for it. Whoever opens it closes the host. Throws `invalid` for what can't be
 * restored to, `password_held` where the password was given for another target, and what opening a server throws. It signs in as
 * who was typed for the restore, else by the server's login for restores, else as who backs up. `isThatOne`: as in `RestoreTarget`.
 */
export async function openRestoreTarget(
  context: TargetContext,
  restore: RestoreRow,
  facts: DumpFacts,
  startedBy: StartedBy,
  isThatOne = false,
): Promise<OpenedTarget> {
  const { db, vault, servers } = context;
  const engine = engineFor(restore.engine);
  if (engine?.restore === undefined) {
    throw new AppError('invalid', `BRIDGEPORT restores no backups of ${restore.engine} by itself yet.`);
  }
  const typed =
    restore.credentials === null ? null : await openLogin(context, restore.id, restore.credentials);
  const login = typed === null ? await loginFor(db, restore) : undefined;
  const database =
    typed !== null || login !== undefined
      ? null
      : await db.selectFrom('databases').selectAll().where('id', '=', restore.database_id).executeTakeFirst();
  const target = await openTarget(engine, databaseAs(restore, database ?? null), vault);
  const { username, password } = typed ?? (await storedLogin(context, login)) ?? target;
  const address = engine.isFile ? null : await servers.databaseAddress(restore.server_id, restore.host);
  const { madeIn = null, made = null, jobs = null, foundWhole } = loadOptionsOf(restore);
  const plan = engine.restore({
    ...target,
    ...{ username, password },
    ...facts,
    address,
    newName: restore.new_name,
    token: restore.token,
    inPlace: replacedBy(restore),
    live: liveBy(restore),
    isDrill: restore.is_drill === 1,
    tables: onlyTablesOf(restore),
    ...{ jobs, madeIn, made, isThatOne },
    wasCreated: restore.state !== 'none' && restore.state !== 'making',
    foundWhole: foundWhole === true ? tablesIn(restore) : null,
  });
  const actor = { userId: restore.asked_by_id, address: null };
  const opened = await servers.open(restore.server_id, { startedBy, actor });
  try {
    const { options } = restore;
    if (typed !== null && !engine.isFile) refuseOtherMachine(typed, restore, opened.address);
    if (login !== undefined) await refuseOtherPlace(db, login, { options, address: opened.address });
    if (database) checkPasswordTarget(asTarget(restore, database), target.password, opened.address);
    if (engine.isFile) await opened.checkPath(restore.new_name);
    return { host: opened.host, plan };
  } catch (error) {
    await opened.host.close();
    throw error;
  }
}

/** Those that were counted in what was restored. */
function tablesIn(restore: RestoreRow): readonly TableName[] {
  const there = (countsOf(restore) ?? []).filter(({ rows }) => rows !== null);
  return there.map(({ schema, name }) => ({ schema: schema ?? '', name }));
}

/** Where it restores to, with what the database's own login is sealed for. */
function databaseAs(restore: RestoreRow, database: DatabaseRow | null) {
  return {
    id: restore.database_id,
    name: restore.new_name,
    options: restore.options,
    credentials: database?.credentials ?? null,
    host: restore.host,
    port: restore.port,
    database_name: restore.database_name,
  };
}

/** The restore's own place is what is compared: the database's settings may have changed since. */
function asTarget({ host, port, options }: RestoreRow, { name, type, password_target }: DatabaseRow) {
  return { name, type, host, port, options, password_target };
}

async function storedLogin({ vault }: TargetContext, login: RestoreLoginRow | undefined) {
  if (login === undefined) return null;
  const text = await vault.open(login.credentials, SEALED.restoreLogin.identity(login.id));
  return credentialsSchema.parse(JSON.parse(text));
}
