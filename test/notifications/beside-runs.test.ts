import { once } from 'node:events';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Installation, type Json, startInstallation } from '../support/installation.ts';
import { headerOf, type MailTestServer, startMailServer } from '../support/mail-server.ts';
import { type PingServer, startPingServer } from '../support/ping-server.ts';
import { until } from '../support/until.ts';

/** The whole app, whose worker backs up and tells of it, as nobody calls its steps by hand. */

const NAME = 'Größe + "shop" 🦦';
/** As the product promises it; what comes first waits ten seconds for what else happens. */
const WITHIN_MS = 60_000;

let folder: string;
let file: string;
let app: Installation;
let mail: MailTestServer;
let chat: PingServer;
let environmentId: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'told-'));
  file = join(folder, 'shop.db');
  const db = new Database(file);
  db.exec('CREATE TABLE t (x); INSERT INTO t VALUES (1)');
  db.close();
  [mail, chat] = [await startMailServer(), await startPingServer()];
  app = await startInstallation({ env: { LOCAL_PATHS: folder } });
  await app.ask('PUT', '/api/settings/system', { privateHosts: '127.0.0.1' });
  await app.ask('PUT', '/api/settings/smtp', smtpAt(mail.port));
  await addChannel(chat.url);
  environmentId = await app.create('environment', '/api/environments', { name: 'prod "ü"' });
}, 60_000);
afterAll(async () => {
  await app.close();
  await Promise.all([mail.close(), chat.close()]);
  await rm(folder, { recursive: true });
});

const addDatabase = (name: string) =>
  app.create('database', `/api/environments/${environmentId}/databases`, {
    ...{ name, type: 'sqlite', filePath: file, backupStorageType: 'local' },
    backupLocalPath: join(folder, 'backups'),
  });
const smtpAt = (port: number) => ({
  ...{ host: '127.0.0.1', port, security: 'none', sender: 'app@example.com' },
  saveAnyway: true,
});
const addChannel = (url: string) =>
  app.create('channel', '/api/admin/notification-channels', {
    ...{ kind: 'slack', name: `chat at ${url}`, url: `${url}/hook`, saveAnyway: true },
  });
const subjects = () => mail.mails.map((one) => headerOf(one, 'Subject'));
const said = () => chat.pings.map(({ body }) => body).join('\n');

it('a backup that fails is told of by mail and chat within a minute, and so is the next good one', async () => {
  const databaseId = await addDatabase(NAME);
  expect((await app.backUp(databaseId)).status).toBe('completed');
  await rename(file, `${file}.away`);
  expect((await app.backUp(databaseId)).status).toBe('failed');
  await until('the mail of the failure', WITHIN_MS, () =>
    subjects().some((text) => /Backup failed/.test(text)),
  );
  await until('the message of the failure', WITHIN_MS, () => /Backup failed/.test(said()));
  expect(subjects().join()).toContain(NAME);
  await rename(`${file}.away`, file);
  expect((await app.backUp(databaseId)).status).toBe('completed');
  await until('the mail of the recovery', WITHIN_MS, () =>
    subjects().some((text) => /Backups are back/.test(text)),
  );
  await until('the message of the recovery', WITHIN_MS, () => /Backups are back/.test(said()));
}, 240_000);

it('no run waits for a mail server that never greets, nor for a chat that never answers', async () => {
  const databaseId = await addDatabase('silent');
  const silent = await startSilent();
  await app.ask('PUT', '/api/settings/smtp', smtpAt(silent.port));
  await addChannel(`http://127.0.0.1:${silent.port}`);
  const heardBefore = silent.connections();
  await rename(file, `${file}.away`);
  await app.backUp(databaseId);
  await until('both to be spoken to', WITHIN_MS, () => silent.connections() >= heardBefore + 2);
  await rename(`${file}.away`, file);
  // All of them end while both are spoken to and say nothing.
  for (let count = 0; count < 3; count += 1) {
    expect((await app.backUp(databaseId)).status).toBe('completed');
  }
  const { deliveries } = (await app.ask('GET', '/api/admin/deliveries')) as { deliveries: readonly Json[] };
  const open = deliveries.filter(({ status }) => status !== 'delivered').map(({ way }) => way);
  expect(open).toEqual(expect.arrayContaining(['email', 'channel']));
  silent.close();
}, 240_000);

/** A server that accepts, and says nothing. */
async function startSilent() {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
