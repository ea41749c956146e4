import { expect } from 'vitest';
import { type FormWalk, ODD } from './walk.ts';

/** Environments and servers. */
export async function walkCatalog(walk: FormWalk): Promise<void> {
  const { send, filled, ids } = walk;
  const host = { name: ODD, hostname: '127.0.0.9', sshPort: '9', tags: 'a, ü' };
  const [, , made = ''] = (await send('/environments/new', { name: ODD })).split('/');
  await send('/environments/:environmentId/settings/data', { allowBackupDownload: 'true' });
  await send('/environments/:environmentId/settings/ssh/make', {}, { environments: made });
  await send('/environments/:environmentId/settings/ssh', { sshUser: 'backup' });
  await send('/environments/:environmentId/hosts', { address: '127.0.0.8', sshPort: '9' });
  const at = (await send('/environments/:environmentId/servers/new', host)).split('/')[2] ?? '';
  await send('/servers/:serverId/delete', {}, { servers: at });
  await send('/servers/:serverId', { ...host, name: `${ODD} 2`, hostname: '127.10.0.1' });
  await send('/servers/:serverId/test');
  await send('/servers/:serverId/test/result');
  await send('/servers/:serverId/blackouts', { day1: 'true', from: '01:00', until: '02:00', reason: ODD });
  const login = { engine: 'postgres', username: 'me', password: 'secret', host: 'localhost', port: '5432' };
  const { id } = await filled.db
    .selectFrom('server_blackouts')
    .select('id')
    .where('server_id', '=', ids.server)
    .limit(1)
    .executeTakeFirstOrThrow();
  await send('/servers/:serverId/blackouts/delete', { id });
  await send('/servers/:serverId/restore-logins', login);
  await send('/servers/:serverId/restore-logins/delete', { engine: 'postgres' });
  await send('/servers/:serverId/host-key/forget');
  await send('/servers/:serverId/find', { type: 'postgres', host: 'localhost', port: '5432' });
  const search = { type: 'postgres', host: 'localhost', port: '5432', username: 'me', password: 'x' };
  await send('/servers/:serverId/find/result', search);
  await send('/servers/:serverId/find/register', {
    ...search,
    destination: 'local',
    found: ['one more', 'größe'],
  });
}

const DATABASE = {
  ...{ name: ODD, host: 'localhost', port: '5432', databaseName: 'shop', username: 'me', password: 'secret' },
  ...{ backupFormat: 'plain', backupCompression: 'gzip', backupCompressionLevel: '6', giveUpMinutes: '5' },
  ...{ backupStorageType: 'local', backupLocalPath: '/srv/backups', maxBackupAgeHours: '26' },
};

/** Databases and their passwords. */
export async function walkDatabases(walk: FormWalk): Promise<void> {
  const { send, ids } = walk;
  const server = { serverId: ids.server };
  await send('/environments/:environmentId/databases/new?type=postgres', { ...DATABASE, ...server });
  await send('/databases/:databaseId/edit', { ...DATABASE, ...server, name: `${ODD} 2` });
  await lead(walk, 5999);
  await send('/databases/:databaseId/password', {
    target: await target(walk),
    username: 'me',
    password: 'new',
  });
  await lead(walk, 5998);
  await send('/databases/:databaseId/confirm-target', { target: await target(walk) });
  await send('/databases/:databaseId/test');
  await send('/databases/:databaseId/test/result');
}

/** An operator has it led elsewhere: its password waits for a person. */
async function lead({ filled, ids }: FormWalk, port: number): Promise<void> {
  const { app } = filled;
  const path = `/api/databases/${ids.database}`;
  const { status } = await app.call('PATCH', path, { body: { port }, token: app.tokens.operator });
  expect(status).toBe(200);
}

/** As the page of the database shows where it leads. */
async function target({ filled, ids }: FormWalk): Promise<string> {
  const html = await (await filled.ask(`/databases/${ids.database}`)).text();
  return /name="target" value="([^"]+)"/.exec(html)?.[1] ?? '';
}
