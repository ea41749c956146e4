import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApp } from '../../src/app.ts';
import type { Json } from '../support/installation.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { type Bed, BUCKET, configureStorage, KEY, startBed, TO_BUCKET } from './bed.ts';

/** Long, and different in each form that a tool may print it in. */
const PASSWORD = `p4ss"w0rd'$(id) /+&=?é\\ of the role`;
const LOGIN = 'correct horse battery';

let bed: Bed;
let postgres: TestPostgres;
/** What came out of the app, by where it did. */
const answers: string[] = [];
const seen = { commands: new Set<string>(), environments: new Set<string>() };

beforeAll(async () => {
  [bed, postgres] = await Promise.all([startBed(), startPostgres()]);
  await postgres.createDatabase('orders');
  await postgres.query(
    'create table t as select i, repeat(md5(i::text), 60) as noise from generate_series(1, 15000) i',
    'orders',
  );
  await postgres.query(`create role reader login superuser password '${PASSWORD.replaceAll("'", "''")}'`);
});
afterAll(async () => {
  await bed.close();
  await postgres.stop();
});

async function ask(method: string, path: string, body?: Json): Promise<Json> {
  const answer = await bed.app.call(method, path, body);
  answers.push(JSON.stringify(answer.body));
  return answer.body;
}

async function databaseWith(changes: Json): Promise<string> {
  const id = await bed.addDatabase({
    name: `orders ${answers.length}`,
    type: 'postgres',
    host: '127.0.0.1',
    port: postgres.port,
    databaseName: 'orders',
    username: 'reader',
    password: PASSWORD,
    ...TO_BUCKET,
    ...changes,
  });
  await ask('GET', `/api/databases/${id}`);
  await ask('POST', `/api/environments/${bed.environment}/databases/${id}/test-connection`);
  return id;
}

/** Backs up and looks at the host's processes for as long as the run lasts. */
async function watched(databaseId: string): Promise<Json> {
  const backupId = await bed.app.startBackup(databaseId);
  let isOver = false;
  const ended = bed.app.untilEnded(backupId).finally(() => {
    isOver = true;
  });
  while (!isOver) {
    for (const { name, command, environment } of await bed.sshd.visible()) {
      seen.commands.add(command);
      if (!/^(pg_dump|psql|)$/.test(name)) seen.environments.add(environment);
    }
    // The app shares this process.
    await pause(10);
  }
  await ended;
  await ask('GET', `/api/backups/${backupId}`);
  return ask('GET', `/api/databases/${databaseId}/backups`);
}

/** Every way that a secret may be written in text; of a key, its lines. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const quoted = `'${secret.replaceAll("'", `'\\''`)}'`;
  return [
    secret,
    ...[bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('hex')],
    ...[encodeURIComponent(secret), new URLSearchParams({ a: secret }).toString().slice(2)],
    ...[JSON.stringify(secret).slice(1, -1), JSON.stringify(quoted).slice(1, -1), quoted],
  ];
}

const secrets = () => [
  ...[PASSWORD, KEY.secretKey, LOGIN, postgres.superuser.password],
  ...bed.sshd.privateKey.split('\n').filter((line) => line.length > 30 && !line.startsWith('-----')),
];

function expectNoSecret(where: string, text: string, except: readonly string[] = []): void {
  expect(text.length, where).toBeGreaterThan(100);
  for (const secret of secrets()) {
    if (except.includes(secret)) continue;
    for (const form of formsOf(secret)) expect(text.includes(form), `${form} in ${where}`).toBe(false);
  }
}

test('no secret leaves the app in full runs, failing ones and their traces', async () => {
  const good = await databaseWith({});
  await watched(good);
  await watched(await databaseWith({ password: postgres.superuser.password }));
  await watched(await databaseWith({ databaseName: `orders password=${PASSWORD}`.slice(0, 20) }));
  const { backups } = (await ask('GET', `/api/databases/${good}/backups`)) as { backups: Json[] };
  expect(backups.map(({ status }) => status)).toEqual(['completed']);
  await ask('GET', `/api/backups/${backups[0]?.['id']}/download`);

  // A storage that takes the keys no more, and one that says them in its refusal.
  await configureStorage(bed.app, bed.bucket, bed.environment, { secretKey: `${KEY.secretKey}x` });
  await ask('POST', '/api/settings/spaces/test');
  await watched(good);
  await configureStorage(bed.app, bed.bucket, bed.environment);
  bed.bucket.faults.add({
    match: { operation: 'PutObject' },
    fault: { kind: 'status', status: 403, code: 'AccessDenied' },
  });
  await watched(good);

  for (const path of [
    ...['/api/settings/spaces', '/api/users', '/api/environments', '/openapi.json', '/health'],
    ...[`/api/environments/${bed.environment}`, `/api/environments/${bed.environment}/ssh`],
    ...[`/api/environments/${bed.environment}/servers`, `/api/servers/${bed.server}`],
    ...[`/api/environments/${bed.environment}/databases`],
  ]) {
    await ask('GET', path);
  }
  await ask('POST', `/api/servers/${bed.server}/test-ssh`);
  await ask('POST', '/api/auth/login', { email: 'admin@example.com', password: `${LOGIN}!` });

  expectNoSecret('answers', answers.join('\n'));
  expectNoSecret('the log', bed.app.log.join('\n'));
  const commands = [...seen.commands].join('\n');
  expectNoSecret('command lines of the host', commands);
  expect(commands).toContain('pg_dump');
  expectNoSecret('environments of the host but pg_dump’s', [...seen.environments].join('\n'));

  const { dataDir } = bed.app.services.config;
  const files = (await readdir(dataDir)).filter((name) => /^bridgeport\.sqlite/.test(name));
  expect(files).toContain('bridgeport.sqlite-wal');
  const stored = await Promise.all(files.map((name) => readFile(join(dataDir, name), 'latin1')));
  expectNoSecret('the database file', stored.join('\n'));
  const objects = bed.bucket.objects(BUCKET).map(({ key }) => key);
  expectNoSecret('keys of the bucket', `${objects.join('\n')}${' '.repeat(100)}`);
});

test('a presigned URL names the object and nothing that opens another', async () => {
  const id = await databaseWith({});
  const backup = await bed.app.backUp(id);
  const answer = await bed.app.ask('GET', `/api/backups/${backup.id}/download`);
  const url = new URL(String(answer['downloadUrl']));
  expect(url.host).toBe(new URL(bed.bucket.endpoint).host);
  expect(decodeURIComponent(url.pathname)).toBe(`/${BUCKET}/${backup.storagePath}`);
  expect(Number(url.searchParams.get('X-Amz-Expires'))).toBeLessThanOrEqual(3600);
  expectNoSecret('the URL', decodeURIComponent(url.href));
  const app = createApp(bed.app.services);
  const response = await app.request(`/backups/${backup.id}/download`);
  expect([response.status, response.headers.get('location')]).toEqual([
    303,
    `/login?next=${encodeURIComponent(`/backups/${backup.id}/download`)}`,
  ]);
});
