import { once } from 'node:events';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { beside } from '../support/beside.ts';
import { type Installation, type Json, startInstallation } from '../support/installation.ts';
import { headerOf, startMailServer } from '../support/mail-server.ts';
import { startPingServer } from '../support/ping-server.ts';
import { until } from '../support/until.ts';

/** The whole app, whose worker backs up and tells of it: nobody calls its steps by hand. */

const NAME = 'Größe + "shop" 🦦';
/** As the product promises it; what comes first waits ten seconds for what else happens. */
const WITHIN_MS = 60_000;

/** An installation with a database in a file that can be taken away. */
function bed() {
  let folder: string;
  let file: string;
  let app: Installation;
  let databaseId: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'told-'));
    file = join(folder, 'shop.db');
    const db = new Database(file);
    db.exec('CREATE TABLE t (x); INSERT INTO t VALUES (1)');
    db.close();
    app = await startInstallation({ env: { LOCAL_PATHS: folder } });
    await app.ask('PUT', '/api/settings/system', { privateHosts: '127.0.0.1' });
    const environmentId = await app.create('environment', '/api/environments', { name: 'prod "ü"' });
    databaseId = await app.create('database', `/api/environments/${environmentId}/databases`, {
      ...{ name: NAME, type: 'sqlite', filePath: file, backupStorageType: 'local' },
      backupLocalPath: join(folder, 'backups'),
    });
  });
  afterAll(async () => {
    await app.close();
    await rm(folder, { recursive: true });
  });
  return {
    app: () => app,
    backUp: () => app.backUp(databaseId).then(({ status }) => status),
    /** A run without its file. */
    async fail() {
      await rename(file, `${file}.away`);
      expect((await app.backUp(databaseId)).status).toBe('failed');
      await rename(`${file}.away`, file);
    },
    /** Both are kept, whatever they answer. */
    async tellBy(mailPort: number, chat: string) {
      const mail = { host: '127.0.0.1', port: mailPort, security: 'none', sender: 'app@example.com' };
      const way = { kind: 'slack', name: 'chat', url: `${chat}/hook` };
      await Promise.all([
        app.ask('PUT', '/api/settings/smtp', { ...mail, saveAnyway: true }),
        app.create('channel', '/api/admin/notification-channels', { ...way, saveAnyway: true }),
      ]);
    },
  };
}

beside('a backup that fails', () => {
  const { backUp, fail, tellBy } = bed();

  it('is told of by mail and chat within a minute, and so is the next good one', async () => {
    const [mail, chat] = [await startMailServer(), await startPingServer()];
    await tellBy(mail.port, chat.url);
    const untilTold = async (words: string) => {
      const subjects = () => mail.mails.map((one) => headerOf(one, 'Subject'));
      await until(`mail: ${words}`, WITHIN_MS, () => subjects().some((text) => text.includes(words)));
      await until(`chat: ${words}`, WITHIN_MS, () => chat.pings.some(({ body }) => body.includes(words)));
      expect(subjects().join()).toContain(NAME);
    };
    expect(await backUp()).toBe('completed');
    await fail();
    await untilTold('Backup failed');
    expect(await backUp()).toBe('completed');
    await untilTold('Backups are back');
    await Promise.all([mail.close(), chat.close()]);
  }, 240_000);
});

beside('a run', () => {
  const { app, backUp, fail, tellBy } = bed();

  it('waits neither for a mail server that never greets nor for a chat that never answers', async () => {
    const both = [await startSilent(), await startSilent()] as const;
    const [mail, chat] = both;
    await tellBy(mail.port, `http://127.0.0.1:${chat.port}`);
    const tried = both.map((silent) => silent.connections());
    await fail();
    // Each of them: a way that is tried again is not the other one.
    await until('both to be spoken to', WITHIN_MS, () =>
      both.every((silent, index) => silent.connections() > (tried[index] ?? 0)),
    );
    // All of these end while both are spoken to, and say nothing.
    for (let count = 0; count < 3; count += 1) expect(await backUp()).toBe('completed');
    const { deliveries } = (await app().ask('GET', '/api/admin/deliveries')) as {
      deliveries: readonly Json[];
    };
    const open = deliveries.filter(({ status }) => status !== 'delivered').map(({ way }) => way);
    expect(open).toEqual(expect.arrayContaining(['email', 'channel']));
    for (const silent of both) silent.close();
  }, 240_000);
});

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
