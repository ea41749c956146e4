import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildChildApp, type ChildApp, removeChildApp, startChildApp } from '../support/child-process.ts';
import type { Json } from '../support/installation.ts';
import { type MailTestServer, startMailServer, textIn } from '../support/mail-server.ts';
import { type PingServer, startPingServer } from '../support/ping-server.ts';
import { until } from '../support/until.ts';

/** The app is killed between the end of a backup and the word of it, at random instants, and started again on the same data. */

const KILLS = 5;
/** From the end of a backup until a mail of it is out: it is collected for ten seconds. */
const WITHIN_MS = 12_000;
const PATIENCE_MS = 120_000;

let folder: string;
let program: string;
let app: ChildApp;
let mail: MailTestServer;
let hooks: PingServer;

const start = () => startChildApp(program, { DATA_DIR: join(folder, 'data'), LOCAL_PATHS: folder });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'killed-'));
  [mail, hooks, program] = [await startMailServer(), await startPingServer(), await buildChildApp()];
  app = await start();
});
afterAll(async () => {
  await app.stop();
  await Promise.all([mail.close(), hooks.close(), removeChildApp(program)]);
  await rm(folder, { recursive: true });
});

it('each failure is told once in the app, and at least once by mail and webhook, whenever the app is killed', async () => {
  await app.ask('PUT', '/api/settings/system', { privateHosts: '127.0.0.1' });
  await app.ask('PUT', '/api/settings/smtp', {
    ...{ host: '127.0.0.1', port: mail.port, security: 'none', sender: 'app@example.com' },
  });
  const { environment } = (await app.ask('POST', '/api/environments', { name: 'Prod "ü"' })) as Record<
    string,
    Json
  >;
  const inside = `/api/environments/${environment?.['id']}`;
  await app.ask('POST', `${inside}/webhooks`, { url: `${hooks.url}/hook`, events: ['backup.failed'] });

  const backups: string[] = [];
  for (let kill = 0; kill < KILLS; kill += 1) {
    const { database } = (await app.ask('POST', `${inside}/databases`, {
      ...{ name: `gone ${kill} + 'ü' 🦦`, type: 'sqlite', filePath: join(folder, `none-${kill}.db`) },
      ...{ backupStorageType: 'local', backupLocalPath: join(folder, 'backups') },
    })) as Record<string, Json>;
    const { backupId } = await app.ask('POST', `/api/databases/${database?.['id']}/backups`);
    const id = String(backupId);
    await until('the backup to fail', PATIENCE_MS, async () => {
      const { backup } = (await app.ask('GET', `/api/backups/${id}`)) as Record<string, Json>;
      return backup?.['status'] === 'failed';
    });
    backups.push(id);
    // Somewhere between the outcome, the notification in the app, the webhook and the mail.
    await new Promise((resolve) => setTimeout(resolve, (kill / KILLS + Math.random() / KILLS) * WITHIN_MS));
    await app.kill();
    app = await start();
  }

  const hooked = () => hooks.pings.map(({ body }) => String(JSON.parse(body).data.backupId));
  const mailed = () => mail.mails.map((one) => textIn(one)).join('\n');
  await until('every webhook', PATIENCE_MS, () => backups.every((id) => hooked().includes(id)));
  await until('every mail', PATIENCE_MS, () =>
    backups.every((_, kill) => mailed().includes(`gone ${kill} + 'ü' 🦦`)),
  );
  const { notifications } = (await app.ask('GET', '/api/notifications?limit=100')) as {
    notifications: readonly Json[];
  };
  const told = notifications
    .filter((one) => (one['type'] as Json)['id'] === 'system.backup_failed')
    .map((one) => String(JSON.parse(String(one['data']))['backupId']));
  expect(told.sort()).toEqual([...backups].sort());
}, 600_000);
