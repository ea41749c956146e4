import * as z from 'zod';
import type { Actor } from '../audit/audit.ts';
import type { Discovery, DiscoveryPlan, Engine } from '../engines/engine.ts';
import { engineFor } from '../engines/engines.ts';
import { sqliteColumns } from '../engines/sqlite/options.ts';
import { tlsColumns } from '../engines/tls-options.ts';
import { AppError, isAppError } from '../errors.ts';
import { absolutePath, hostOrSocket, port, secretField } from '../fields.ts';
import { gatherOutput } from '../hosts/gathered-output.ts';
import type { Host } from '../hosts/host.ts';
import type { ServerContext } from '../servers/context.ts';
import type { OpenedServer } from '../servers/server-access.ts';
import { getServerRow } from '../servers/servers.ts';
import { explainFailure, type Purpose } from './look-at-database.ts';
import { type Registered, registeredOn } from './registered.ts';

/** Whom to ask for databases, as a database of that type is reached; or where to look for files. */
export const discoveryInput = z.object({
  type: z.string().max(32),
  host: hostOrSocket.or(z.literal('')).nullish(),
  port: port.nullish(),
  username: secretField(255).nullish(),
  password: secretField(4096).nullish(),
  ...tlsColumns,
  /** Of SQLite. */
  folders: z.array(absolutePath).max(20).optional(),
});

export type DiscoveryInput = z.infer<typeof discoveryInput>;

/** What was found on a server. */
export interface DiscoveredDatabases {
  readonly type: string;
  readonly serverVersion: string | null;
  readonly found: readonly DiscoveredDatabase[];
  /** What was not looked at, or can't be told; a sentence each. */
  readonly notes: readonly string[];
  /** Set where this very look pinned the host's key. */
  readonly pinnedFingerprint: string | null;
}

export interface DiscoveredDatabase {
  /** One of both. */
  readonly databaseName: string | null;
  readonly filePath: string | null;
  readonly sizeBytes: number | null;
  /** The database that it is already. */
  readonly registered: Registered | null;
  /** Why it can't be registered as it is; a sentence. */
  readonly obstacle: string | null;
}

const MOST_BYTES = 2 * 2 ** 20;
const IDLE_TIMEOUT_MS = 45_000;
const SEARCH_MS = 30_000;

/**
 * Looks for the databases of one type on a server, with what was typed; nothing of it is stored. Throws `not_found`,
 * `invalid`, and what a connection test would: hosts that are not reached, servers that let nobody in.
 */
export async function discoverDatabases(
  context: ServerContext,
  actor: Actor,
  serverId: string,
  input: DiscoveryInput,
  options: { readonly signal: AbortSignal; readonly deadline?: AbortSignal },
): Promise<DiscoveredDatabases> {
  const server = await getServerRow(context.db, serverId);
  const engine = engineFor(input.type);
  if (engine === undefined) {
    throw new AppError('invalid', `Databases of the type ${input.type} can't be looked for.`, {
      details: { field: 'type' },
    });
  }
  const plan = await planDiscovery(context, engine, serverId, input);
  const opened = await context.servers.open(serverId, { startedBy: 'person', actor });
  try {
    if (engine.isFile) for (const folder of input.folders ?? []) await opened.checkPath(folder);
    const discovery = await lookFor(opened.host, plan, {
      signal: options.signal,
      deadline: options.deadline ?? AbortSignal.timeout(SEARCH_MS),
    });
    const { found, leftOut } = engine.isFile
      ? await withoutForbidden(opened, discovery.found)
      : { found: discovery.found, leftOut: 0 };
    const registered = await registeredOn(context.db, server, engine, input);
    return {
      type: engine.type,
      serverVersion: discovery.serverVersion,
      found: found.map(({ name, sizeBytes }) => ({
        databaseName: engine.isFile ? null : name,
        filePath: engine.isFile ? name : null,
        sizeBytes,
        registered: registered.get(name) ?? null,
        obstacle: engine.isFile ? obstacleOf(name) : nameObstacle(name),
      })),
      notes: [
        ...discovery.notes,
        ...(leftOut > 0 ? [`Left out because they lie where no backups are taken of: ${leftOut}.`] : []),
      ],
      pinnedFingerprint: opened.pinnedFingerprint(),
    };
  } catch (error) {
    throw withPinned(error, opened.pinnedFingerprint());
  } finally {
    await opened.host.close();
  }
}

/** A failure after the key was pinned tells of that, too. */
function withPinned(error: unknown, pinnedFingerprint: string | null): unknown {
  if (pinnedFingerprint === null || !isAppError(error)) return error;
  const details = { ...error.details, pinnedFingerprint };
  return new AppError(error.code, error.message, { cause: error.cause, details });
}

async function planDiscovery(
  context: ServerContext,
  engine: Engine,
  serverId: string,
  input: DiscoveryInput,
): Promise<DiscoveryPlan> {
  const { useSsl, tlsMode, tlsCa } = input;
  const parsed = engine.options.safeParse({ useSsl, tlsMode, tlsCa: tlsCa?.trim() || null });
  if (!parsed.success) {
    throw new AppError('invalid', 'Invalid input', { details: { issues: parsed.error.issues } });
  }
  const host = input.host || null;
  return engine.discover({
    host,
    address: engine.isFile ? null : await context.servers.databaseAddress(serverId, host),
    port: input.port ?? null,
    username: input.username || null,
    password: input.password || null,
    folders: input.folders ?? [],
    options: parsed.data,
  });
}

const SEARCH: Purpose = {
  name: 'The search for databases',
  ifSilent: 'See on the host whether the database server answers, and what keeps it busy.',
};

async function lookFor(
  host: Host,
  plan: DiscoveryPlan,
  limits: { readonly signal: AbortSignal; readonly deadline: AbortSignal },
): Promise<Discovery> {
  const { bytes, end } = await gatherOutput(host, plan.command, {
    ...limits,
    mostBytes: MOST_BYTES,
    mostFields: plan.mostFields,
    idleTimeoutMs: IDLE_TIMEOUT_MS,
  }).catch((error: unknown) => {
    throw explainFailure(error, plan, SEARCH);
  });
  if (end === 'whole') return plan.read(bytes);
  if (!plan.isGradual || bytes.length === 0) {
    throw end === 'too late'
      ? new AppError('host_timeout', `${SEARCH.name} on ${host.label} took too long. ${SEARCH.ifSilent}`)
      : new AppError(
          'dump_failed',
          `${SEARCH.name} on ${host.label} printed far more than names. Sign in there by hand and see what the shell prints.`,
        );
  }
  const discovery = plan.read(bytes);
  const why = end === 'too late' ? 'took too long' : 'found too much';
  const note = `The search ${why} and was ended; there may be more. Name folders with less in them.`;
  return { ...discovery, notes: [...discovery.notes, note] };
}

/** On the app's own machine its data folder may lie in what was named. */
async function withoutForbidden(opened: OpenedServer, found: Discovery['found']) {
  const allowed = [];
  for (const one of found) {
    try {
      await opened.checkPath(one.name);
      allowed.push(one);
    } catch (error) {
      if (!isAppError(error, 'host_path_refused')) throw error;
    }
  }
  return { found: allowed, leftOut: found.length - allowed.length };
}

const LONGEST_NAME = 255;

/** No server that is one has such names. */
function nameObstacle(name: string): string | null {
  return name.length <= LONGEST_NAME ? null : 'Its name is longer than a database can have.';
}

function obstacleOf(path: string): string | null {
  if (sqliteColumns.filePath.safeParse(path).success) return null;
  return 'Its path is too long or holds line breaks or control characters. Rename it, or back it up through a link with a plain name.';
}
