import type { Context } from 'hono';
import type { ChecklistProps } from '../../../views/checklist.tsx';
import type { FindFormProps } from '../../../views/find-databases.tsx';
import { OWN_KEYS, type SeenHostKey } from '../../../views/first-contact.tsx';
import type { EnvironmentChoice, Frame } from '../../../views/frame/frame.ts';
import { hasRole } from '../../auth/roles.ts';
import { hasGoodBackup } from '../../backups/newest-backups.ts';
import { listDatabases } from '../../databases/lists.ts';
import { engines } from '../../engines/engines.ts';
import { needsMasterKeyCopy } from '../../installation/master-key-copy.ts';
import { providerOf } from '../../object-stores/providers.ts';
import { isLocalHostname } from '../../servers/open-server.ts';
import { hasOwnMachine } from '../../servers/own-machine.ts';
import { listServersOf, type Server } from '../../servers/servers.ts';
import type { Services } from '../../services-port.ts';
import { isStorageEnabled } from '../../storage/enabled.ts';
import { storageRow } from '../../storage/storage.ts';
import { findFormOf } from './find-databases.tsx';
import { seenAt } from './first-contact.tsx';
import { keyCommand } from './key-command.ts';
import { keyShown } from './key-shown.ts';
import { frameOf } from './kit/frame.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { chosenProvider, storageFormOf } from './storage-form.ts';

/** Where the forms of the list come back to. */
const HERE = '/';
/** A first host is looked for among so many. */
const FEW = { limit: 25, offset: 0 };

/** A server and the key that it presented just now. */
export interface SeenOfServer {
  readonly serverId: string;
  readonly seen: SeenHostKey;
}

/**
 * The first steps of an installation, of the chosen environment or the first one; null as soon as a backup was read back
 * anywhere.
 */
export async function checklistOf(
  c: Context<UiEnv>,
  services: Services,
  frame: Frame,
  contact: SeenOfServer | null = null,
): Promise<ChecklistProps | null> {
  if (await hasGoodBackup(services.db)) return null;
  const environment = frame.environment ?? frame.environments[0] ?? null;
  const isAdmin = hasRole(frame.user.role, 'admin');
  const servers = environment === null ? [] : await listServersOf(services.db, environment.id, FEW);
  const spoken = contact === null ? undefined : servers.find(({ id }) => id === contact.serverId);
  const reached = spoken === undefined ? servers.find(({ status }) => status === 'healthy') : undefined;
  return {
    environment,
    isAdmin,
    mayChange: hasRole(frame.user.role, 'operator'),
    masterKey: { isKept: !(await needsMasterKeyCopy(services)), ...keyCommand(services) },
    storage: await storageStep(services, environment, isAdmin),
    host: await hostStep(c, services, { environment, reached, contact, first: spoken ?? servers[0] }),
    databases: await databasesStep(services, environment, reached ?? servers[0]),
  };
}

/** Whether the list is shown still, and of that environment: what comes of a test is told in it then. */
export async function hasChecklistOf(
  c: Context<UiEnv>,
  services: Services,
  environmentId: string,
): Promise<boolean> {
  if (await hasGoodBackup(services.db)) return false;
  const { environment, environments } = await frameOf(c, services);
  return (environment ?? environments[0])?.id === environmentId;
}

async function storageStep(
  services: Services,
  environment: EnvironmentChoice | null,
  isAdmin: boolean,
): Promise<ChecklistProps['storage']> {
  const row = await storageRow(services.db);
  if (row === undefined) {
    const environments = environment === null ? [] : [{ ...environment, isTicked: true }];
    const form = storageFormOf(chosenProvider(undefined, null), null, { environments, next: HERE });
    return { summary: null, isEnabled: false, form: isAdmin ? form : null };
  }
  const isEnabled = environment !== null && (await isStorageEnabled(services.db, environment.id));
  const may = environment === null ? '' : `: ${environment.name} may ${isEnabled ? '' : 'not '}use it.`;
  const summary = `${providerOf(row.endpoint).name}, ${row.region}${may}`;
  return { summary, isEnabled, form: null };
}

async function hostStep(
  c: Context<UiEnv>,
  services: Services,
  known: {
    readonly environment: EnvironmentChoice | null;
    readonly reached: Server | undefined;
    /** What was just seen of one, which is then the one that is shown. */
    readonly contact: SeenOfServer | null;
    readonly first: Server | undefined;
  },
): Promise<ChecklistProps['host']> {
  const { environment, reached, contact, first } = known;
  const ownMachine = hasOwnMachine(services.config) ? { isContainer: services.isContainer } : null;
  if (reached !== undefined) {
    const { id, name } = reached;
    const detail = reachedWords(reached);
    return { reached: { id, name, detail }, waiting: null, seen: null, line: null, ownMachine };
  }
  const { key } = environment === null ? { key: null } : await keyShown(c, services, environment.id);
  return {
    reached: null,
    waiting:
      first === undefined ? null : { id: first.id, name: first.name, isOwn: isLocalHostname(first.hostname) },
    seen: contact?.seen ?? (await seenIfAsked(c, services, first)),
    line: key === null ? null : { line: key.authorizedKeysLine, user: first?.sshUser ?? key.username },
    ownMachine,
  };
}

/** By a link, where a page loads nothing by itself. */
async function seenIfAsked(c: Context<UiEnv>, services: Services, server: Server | undefined) {
  const isAsked = c.req.query('host-key') !== undefined;
  if (!isAsked || server === undefined || isLocalHostname(server.hostname)) return null;
  return hasRole(c.get('session').user.role, 'operator') ? seenAt(c, services, server) : null;
}

function reachedWords({ name, hostname, hostKeyFingerprint }: Server): string {
  if (isLocalHostname(hostname)) return `${name} runs commands here, without SSH.`;
  const key =
    hostKeyFingerprint === null
      ? ''
      : ` Its host key ${hostKeyFingerprint} is pinned. If ${OWN_KEYS} does not print it there, somebody may stand in between: then forget the key on the server's page, and find out who answers.`;
  return `${name} was reached over SSH.${key}`;
}

async function databasesStep(
  services: Services,
  environment: EnvironmentChoice | null,
  server: Server | undefined,
): Promise<ChecklistProps['databases']> {
  if (environment === null) return { count: 0, form: null, first: [] };
  const { databases, total } = await listDatabases(services.db, environment.id, { limit: 5, offset: 0 });
  const first = databases.map(({ id, name }) => ({ id, name }));
  const form: FindFormProps | null =
    server === undefined || total > 0
      ? null
      : {
          server: { id: server.id, name: server.name, hostname: server.hostname, environment },
          engines,
          form: findFormOf(services, server),
          found: null,
          next: HERE,
        };
  return { count: total, form, first };
}
