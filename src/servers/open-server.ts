import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import type { Db, EnvironmentRow, ServerRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import type { Host, HostAddress, HostTimeouts, PresentedHostKey } from '../hosts/host.ts';
import { type Networks, reachableAddress } from '../hosts/networks.ts';
import type { Log } from '../log.ts';
import { SEALED } from '../secrets/sealed.ts';
import type { Vault } from '../secrets/vault.ts';
import {
  addressOf,
  type OpenedServer,
  type OpenServerOptions,
  type ServerAccess,
  type ServerAddress,
} from './server-access.ts';

export interface ServerAccessContext {
  readonly db: Db;
  readonly vault: Vault;
  readonly log: Log;
  readonly now: () => Date;
  readonly networks: Networks;
  /** The addresses of a name, as this machine knows them. Throws `host_unreachable`. */
  readonly lookUp: (name: string) => Promise<readonly string[]>;
  /** With SSH_STRICT, only a test of the connection pins a host key. */
  readonly sshStrict: boolean;
  readonly readyTimeoutMs: () => Promise<number>;
  /** Throws `invalid` where the app's own machine is no host (`own-machine.ts`). */
  readonly checkOwnMachine: () => void;
  readonly openLocal: () => Host;
  readonly checkLocalPath: (path: string) => Promise<void>;
  readonly openSsh: (address: HostAddress, timeouts: HostTimeouts) => Host;
}

const LOCAL_NAMES: readonly string[] = [
  'localhost',
  '127.0.0.1',
  '[::1]',
  '0.0.0.0',
  '[::]',
  '[::ffff:7f00:1]',
];

/**
 * True for hostnames that mean the app's own machine, however they are spelled (`LOCALHOST`, `127.1`, `[::1]`):
 * commands run there without SSH. Other addresses of 127.0.0.0/8 are somebody's tunnels, and reached over SSH.
 */
export function isLocalHostname(hostname: string): boolean {
  const bare = hostname.replace(/\.$/, '').replace(/^\[(.*)\]$/, '$1');
  const url = URL.parse(`http://${bare.includes(':') ? `[${bare}]` : bare}`);
  return url !== null && LOCAL_NAMES.includes(url.hostname);
}

/** Opens registered servers with their environment's key and their pinned host key. */
export function createServerAccess(context: ServerAccessContext): ServerAccess {
  return {
    async open(serverId, options) {
      if (serverId === null) return local(context, null);
      const server = await context.db
        .selectFrom('servers')
        .selectAll()
        .where('id', '=', serverId)
        .executeTakeFirst();
      if (!server) throw new AppError('not_found', 'Server not found');
      const environment = await context.db
        .selectFrom('environments')
        .select(['id', 'ssh_user', 'ssh_private_key'])
        .where('id', '=', server.environment_id)
        .executeTakeFirstOrThrow();
      return isLocalHostname(server.hostname)
        ? local(context, addressOf(server, environment.ssh_user))
        : openOverSsh(context, { server, environment }, options);
    },
    async databaseAddress(serverId, host) {
      if (!context.networks.areLimited) return null;
      const server =
        serverId === null
          ? undefined
          : await context.db
              .selectFrom('servers')
              .select('hostname')
              .where('id', '=', serverId)
              .executeTakeFirst();
      const isHere = serverId === null || (server !== undefined && isLocalHostname(server.hostname));
      return reachableAddress(context.networks, host, isHere ? context.lookUp : null);
    },
  };
}

function local(context: ServerAccessContext, address: ServerAddress | null): OpenedServer {
  context.checkOwnMachine();
  return {
    host: context.openLocal(),
    address,
    checkPath: context.checkLocalPath,
    pinnedFingerprint: () => null,
  };
}

async function openOverSsh(
  context: ServerAccessContext,
  {
    server,
    environment,
  }: {
    readonly server: ServerRow;
    readonly environment: Pick<EnvironmentRow, 'id' | 'ssh_user' | 'ssh_private_key'>;
  },
  options: OpenServerOptions,
): Promise<OpenedServer> {
  if (environment.ssh_private_key === null) {
    throw new AppError('invalid', 'SSH key not configured for this environment');
  }
  let pinned: string | null = null;
  const address = addressOf(server, environment.ssh_user);
  const hostAddress: HostAddress = {
    label: server.name === server.hostname ? server.name : `${server.name} (${server.hostname})`,
    hostname: address.hostname,
    port: address.port,
    networks: context.networks,
    username: address.user,
    privateKey: await context.vault.open(
      environment.ssh_private_key,
      SEALED.sshPrivateKey.identity(environment.id),
    ),
    hostKey: server.host_key,
    acceptNewHostKey: async (key) => {
      if (!mayPin(context, options, key)) return false;
      const isPinned = await pinHostKey(context, server, key, options.actor);
      if (isPinned) pinned = key.fingerprint;
      return isPinned;
    },
  };
  const host = context.openSsh(hostAddress, { readyTimeoutMs: await context.readyTimeoutMs() });
  return { host, address, checkPath: async () => {}, pinnedFingerprint: () => pinned };
}

function mayPin(
  context: ServerAccessContext,
  options: OpenServerOptions,
  { fingerprint }: PresentedHostKey,
): boolean {
  if (options.startedBy !== 'person') return false;
  if (options.shownHostKey !== undefined && options.shownHostKey !== fingerprint) return false;
  return !context.sshStrict || options.mayPin === true;
}

const NOBODY: Actor = { userId: null, address: null };

/**
 * Stores the key where none is stored, and notes who met it; another connection may have been first, with the same key or another. What a
 * person pins by hand stands in the audit, and so does what was taken on trust.
 */
async function pinHostKey(
  { db, log, now }: ServerAccessContext,
  { id, name, environment_id: environmentId }: ServerRow,
  { key, fingerprint }: PresentedHostKey,
  actor: Actor = NOBODY,
): Promise<boolean> {
  const outcome = await write(db, async (trx) => {
    const row = await trx.selectFrom('servers').select('host_key').where('id', '=', id).executeTakeFirst();
    if (row === undefined) return 'gone';
    if (row.host_key !== null) return row.host_key === key ? 'known' : 'another';
    await trx
      .updateTable('servers')
      .set({ host_key: key, updated_at: now().toISOString() })
      .where('id', '=', id)
      .execute();
    const details = { hostKey: fingerprint, pinned: 'at the first contact' };
    const entry = auditEntry('server', 'update', { id, name, environmentId }, { details });
    await recordAudit(trx, actor, entry, now());
    return 'pinned';
  });
  if (outcome === 'pinned') log.info('host key pinned', { serverId: id, fingerprint });
  return outcome === 'pinned' || outcome === 'known';
}
