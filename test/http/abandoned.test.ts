import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { afterEach, describe, expect, it } from 'vitest';
import { createApp } from '../../src/app.ts';
import { leaveAbandoned } from '../../src/http/abandoned.ts';
import { openTestApp } from '../support/app.ts';
import { until } from '../support/until.ts';

const ended: (() => void)[] = [];
afterEach(() => {
  for (const end of ended.splice(0)) end();
});

/** A server whose page takes the process for itself, as one that reads much from SQLite does. */
async function startHeavy() {
  const worked: string[] = [];
  const app = new Hono();
  app.use(leaveAbandoned());
  app.all('/heavy/:name', async (c) => {
    await Promise.resolve();
    worked.push(c.req.param('name'));
    const until = performance.now() + 15;
    while (performance.now() < until);
    return c.text('x'.repeat(1000));
  });
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 });
  if (!server.listening) await once(server, 'listening');
  ended.push(() => {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { worked, port, url: `http://127.0.0.1:${port}` };
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

it('are left out by the whole app, before anything is counted or looked up for them', async () => {
  const test = await openTestApp();
  let begun = 0;
  const now = () => {
    begun += 1;
    return new Date();
  };
  const server = serve({ fetch: createApp({ ...test.services, now }).fetch, hostname: '127.0.0.1', port: 0 });
  if (!server.listening) await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sockets = await Promise.all(Array.from({ length: 100 }, () => open(port)));
  for (const socket of sockets) socket.write('GET /login HTTP/1.1\r\nHost: localhost\r\n\r\n');
  for (const socket of sockets) socket.destroy();
  expect((await fetch(`http://127.0.0.1:${port}/login`)).status).toBe(200);
  expect(begun).toBeLessThan(10);
  server.close();
  if ('closeAllConnections' in server) server.closeAllConnections();
  await test.close();
});

describe('requests that were abandoned', () => {
  it.each([['closed'], ['reset']])('are not worked off one after another: 300 of them, %s', async (how) => {
    const { worked, port, url } = await startHeavy();
    const sockets = await Promise.all(Array.from({ length: 300 }, () => open(port)));
    for (const socket of sockets) socket.write('GET /heavy/gone HTTP/1.1\r\nHost: localhost\r\n\r\n');
    for (const socket of sockets) {
      if (how === 'closed') socket.destroy();
      else socket.resetAndDestroy();
    }
    const answer = await fetch(`${url}/heavy/live`);
    expect([answer.status, (await answer.text()).length]).toEqual([200, 1000]);
    expect(worked).toContain('live');
    expect(worked.length, 'pages worked off').toBeLessThan(10);
  });

  it('do not hold up those that were not: each is answered, in the order of their coming', async () => {
    const { worked, url } = await startHeavy();
    const names = Array.from({ length: 12 }, (_, number) => `n${number}`);
    const statuses = await Promise.all(
      names.map(async (name) => (await fetch(`${url}/heavy/${name}`)).status),
    );
    expect(statuses).toEqual(names.map(() => 200));
    await until('all to be worked off', 5000, () => (worked.length === names.length ? true : undefined));
    expect([...worked].sort()).toEqual([...names].sort());
  });

  it('are carried out all the same where they change something', async () => {
    const { worked, port } = await startHeavy();
    const socket = await open(port);
    socket.end('POST /heavy/change HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n');
    await until('the change', 5000, () => (worked.includes('change') ? true : undefined));
  });
});
