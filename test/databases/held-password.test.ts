import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { write } from '../../src/db/write.ts';
import { saveSettings } from '../../src/settings/settings.ts';
import { freePort } from '../support/free-port.ts';
import { startInstallation } from '../support/installation.ts';
import { startRoguePostgres } from '../support/rogue-servers.ts';
import { until } from '../support/until.ts';

const PASSWORD = 'Geheim + "ü" 🗝 der Sicherung';

const closings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});

it('a backup that waits while the target changes fails at connect, and sends the password to nobody', async () => {
  const installation = await startInstallation();
  closings.push(installation.close);
  const [own, rogue] = [await startRoguePostgres(), await startRoguePostgres()];
  closings.push(own.close, rogue.close);
  const { ask, create } = installation;
  const environmentId = await create('environment', '/api/environments', { name: 'prod + "ü" 🌍' });
  const register = (name: string, port: number) =>
    create('database', `/api/environments/${environmentId}/databases`, {
      ...{ name, type: 'postgres', host: '127.0.0.1', port },
      ...{ databaseName: 'kunden', username: 'leser', password: PASSWORD },
    });
  const databaseId = await register('kunden + "ü" 🗄', own.port);
  const outcome = async () => (await installation.backUp(databaseId)).error;

  await ask('PATCH', `/api/databases/${databaseId}`, { port: rogue.port });
  expect(await outcome()).toMatchObject({
    step: 'connect',
    code: 'password_held',
    message: expect.stringContaining(`port: ${rogue.port} instead of ${own.port}`),
  });

  // Put back, asked for, and led elsewhere before its turn, which another backup takes up.
  await ask('PATCH', `/api/databases/${databaseId}`, { port: own.port });
  await write(installation.services.db, (trx) => saveSettings(trx, { maxConcurrentBackups: 1 }, new Date()));
  const silent = await startSilentServer();
  closings.push(silent.close);
  const slow = await installation.startBackup(await register('langsam', silent.port));
  await until('the slow backup to run', 60_000, async () => silent.connections() > 0 || undefined);
  const waiting = await installation.startBackup(databaseId);
  const answer = await ask('PATCH', `/api/databases/${databaseId}`, { port: rogue.port });
  expect(answer['warnings']).toEqual([expect.stringContaining('is not sent')]);
  await ask('POST', `/api/backups/${slow}/cancel`);
  expect((await installation.untilEnded(waiting)).error).toMatchObject({ code: 'password_held' });
  expect([own.heard(), rogue.heard()]).toEqual(['', '']);

  await ask('POST', `/api/databases/${databaseId}/confirm-target`);
  expect((await outcome())?.code).toBe('dump_refused');
  expect(rogue.heard()).toContain(PASSWORD);
});

/** Takes connections and says nothing. */
async function startSilentServer() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on('error', () => {})));
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port,
    connections: () => sockets.size,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
