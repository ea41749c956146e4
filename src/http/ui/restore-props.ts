import type { Context } from 'hono';
import * as z from 'zod';
import type { RestorePageProps } from '../../../views/restore/restore-props.ts';
import { hasRole } from '../../auth/roles.ts';
import { backupStory } from '../../backups/backup-story.ts';
import type { BackupWithTrigger } from '../../backups/backups.ts';
import { restorableOfOne } from '../../backups/restorable.ts';
import { getDatabaseRow } from '../../databases/databases.ts';
import { engineFor } from '../../engines/engines.ts';
import { takesJobs } from '../../restores/ask-restore.ts';
import { proposedName } from '../../restores/new-name.ts';
import { selectsTables } from '../../restores/only-tables.ts';
import { listServersOf } from '../../servers/servers.ts';
import type { Services } from '../../services-port.ts';
import { environmentFrame } from './kit/frame.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { restoreChoices } from './restore-choices.ts';

const MOST_SERVERS = 500;

/** What the page knows before anybody has typed, and what it proposes. */
export async function restoreProps(
  c: Context<UiEnv>,
  services: Services,
  backupId: string,
): Promise<Omit<RestorePageProps, 'form' | 'checks'>> {
  const story = await backupStory(services, backupId);
  const { backup, database, where } = story;
  const { frame } = await environmentFrame(c, services, database.environmentId);
  const engine = engineFor(database.type);
  const isFile = engine?.isFile ?? false;
  const row = await getDatabaseRow(services.db, database.id);
  const { filePath } = filePathSchema.parse(JSON.parse(row.options));
  const place =
    where === null
      ? null
      : where.kind === 'bucket'
        ? `bucket ${where.bucket}`
        : (where.serverName ?? 'this machine');
  const named = { isFile, databaseName: row.database_name, filePath: filePath ?? null };
  return {
    frame,
    backup: {
      id: backupId,
      createdAt: backup.created_at,
      bytes: Number(backup.size),
      verification: backup.verification,
      place,
      hasHash: backup.sha256 !== null,
    },
    selectsTables: selectsTables(database.type, backup.format),
    takesJobs: takesJobs(database.type, backup.format),
    database: {
      id: database.id,
      name: database.name,
      environmentName: database.environmentName,
      engineName: engine?.displayName ?? database.type,
      isFile,
      swaps: engine?.swaps ?? false,
    },
    choices: await restoreChoices(services, database.id),
    servers: await serversFor(services, hasRole(c.get('session').user.role, 'admin'), database),
    ownServerId: database.serverId ?? '',
    aboutSeconds: await aboutSeconds(services, backup),
    proposed: {
      newName: isNamed(named) ? proposedName(named, services.now()) : '',
      host: row.host ?? '',
      port: row.port === null ? '' : String(row.port),
    },
  };
}

/** By how long this very backup took, or the last one of its database by its bytes; null where none was measured. */
async function aboutSeconds({ db }: Services, backup: BackupWithTrigger): Promise<number | null> {
  if (backup.restored_ms !== null) return Number(backup.restored_ms) / 1000;
  const { restorable: last } = await restorableOfOne(db, backup.database_id);
  const bytes = Number(backup.bytes_read);
  if (last === null || last.bytes <= 0 || bytes <= 0) return null;
  return (last.restoreMs / 1000) * (bytes / last.bytes);
}

/** Whether there is anything that a name could be made of. */
function isNamed({ isFile, databaseName, filePath }: Parameters<typeof proposedName>[0]): boolean {
  return Boolean(isFile ? filePath : databaseName);
}

const filePathSchema = z.object({ filePath: z.string().nullish() });

/** Those of its environment, its own first; for admins of the others, too. */
async function serversFor(
  { db }: Pick<Services, 'db'>,
  isAdmin: boolean,
  database: {
    readonly serverId: string | null;
    readonly environmentId: string;
    readonly environmentName: string;
  },
): Promise<RestorePageProps['servers']> {
  const page = { limit: MOST_SERVERS, offset: 0 };
  const near = await listServersOf(db, database.environmentId, page);
  // Where there are more than can be listed, those of the others are left out.
  const far = isAdmin ? await listServersOf(db, null, page) : [];
  const others = far.filter(({ environmentId }) => environmentId !== database.environmentId);
  const choices = [...near, ...others]
    .slice(0, MOST_SERVERS)
    .map(({ id, name, environmentId, environmentName }) => ({
      ...{ id, name, environmentName },
      isElsewhere: environmentId !== database.environmentId,
    }));
  const here = {
    id: '',
    name: 'The machine of this app',
    environmentName: database.environmentName,
    isElsewhere: false,
  };
  const all = database.serverId === null ? [here, ...choices] : choices;
  const rank = ({ id, isElsewhere }: (typeof all)[number]) =>
    id === (database.serverId ?? '') ? 0 : isElsewhere ? 2 : 1;
  return [...all].sort((one, other) => rank(one) - rank(other));
}
