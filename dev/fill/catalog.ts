import ssh2 from 'ssh2';
import type { Actor } from '../../src/audit/audit.ts';
import { createDatabase, type NewDatabase } from '../../src/databases/databases.ts';
import type { DatabaseRow } from '../../src/db/schema.ts';
import { createEnvironment } from '../../src/environments/environments.ts';
import { setSsh } from '../../src/environments/ssh-access.ts';
import { createServer } from '../../src/servers/servers.ts';
import type { Services } from '../../src/services-port.ts';
import { setStorageEnabled } from '../../src/storage/enabled.ts';
import { saveStorage } from '../../src/storage/save-storage.ts';
import { oddName } from './names.ts';
import type { Size } from './size.ts';

/** The storage that is configured now; a port at which nothing listens. */
export const ENDPOINT = 'https://127.0.0.1:9';
export const BUCKETS = ['prod-backups', 'staging.backups', 'archive_2019'] as const;

/** Environments, servers and databases; the first environment is as large as ten others. Gives the databases. */
export async function fillCatalog(
  services: Services,
  actor: Actor,
  size: Size,
): Promise<readonly DatabaseRow[]> {
  const storage = {
    ...{ accessKey: 'AKIAFILLED', secretKey: 'filled+secret/key', region: 'eu-central-1' },
    ...{ endpoint: ENDPOINT.slice('https://'.length), buckets: [...BUCKETS] },
  };
  const untested = { by: 'api', validate: false } as const;
  await saveStorage(services, actor, storage, untested, AbortSignal.timeout(60_000));
  const { private: sshPrivateKey } = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 });
  const environments = await times(size.environments, async (number) => {
    const name = number === 0 ? 'production' : oddName(number);
    const environment = await createEnvironment(services, actor, { name });
    await setStorageEnabled(services, actor, environment.id, number % 10 !== 9);
    if (number % 3 === 0) {
      await setSsh(services, actor, environment.id, { sshPrivateKey, sshUser: 'backup' });
    }
    return { ...environment, servers: [] as string[] };
  });
  /** One of each ten goes to the first, the others round. */
  const homeOf = (number: number) => environments[number % 10 === 0 ? 0 : number % environments.length];
  await times(size.servers, async (number) => {
    const home = homeOf(number);
    if (home === undefined) return;
    const { id } = await createServer(services, actor, home.id, {
      name: oddName(number),
      hostname: `127.10.${Math.floor(number / 250)}.${(number % 250) + 1}`,
      sshPort: 9,
      tags: number % 4 === 0 ? ['db', 'Zone Ä'] : [],
    });
    home.servers.push(id);
  });
  await times(size.databases, async (number) => {
    const home = homeOf(number);
    if (home === undefined) return;
    const serverId = home.servers[number % (home.servers.length + 1)] ?? null;
    await createDatabase(services, actor, home.id, databaseOf(number, serverId));
  });
  return services.db.selectFrom('databases').selectAll().orderBy('created_at').orderBy('id').execute();
}

/** Three of four go to a bucket; those of a server only, since its files need a server to lie on. */
function databaseOf(number: number, serverId: string | null): NewDatabase {
  const common = {
    name: oddName(number),
    serverId,
    ...(number % 4 === 3 && serverId !== null
      ? { backupStorageType: 'local' as const, backupLocalPath: '/srv/backups' }
      : { backupStorageType: 'spaces' as const, backupSpacesBucket: BUCKETS[number % BUCKETS.length] }),
  };
  if (number % 9 === 8 && serverId !== null) {
    return { ...common, type: 'sqlite', filePath: `/srv/data/app ${number}.sqlite` };
  }
  const isMysql = number % 3 === 2;
  return {
    ...common,
    type: isMysql ? 'mysql' : 'postgres',
    host: '127.0.0.1',
    port: isMysql ? 3306 : 5432,
    databaseName: oddName(number),
    username: 'backup',
    password: `pä ss"wörd-${number}`,
    ...(isMysql ? {} : { backupFormat: number % 2 === 0 ? ('custom' as const) : ('plain' as const) }),
    backupCompression: number % 2 === 0 ? 'none' : 'zstd',
    backupCompressionLevel: 3,
  };
}

/** One after the other, as people do; gives what each made. */
async function times<T>(count: number, make: (number: number) => Promise<T>): Promise<readonly T[]> {
  const made: T[] = [];
  while (made.length < count) made.push(await make(made.length));
  return made;
}
