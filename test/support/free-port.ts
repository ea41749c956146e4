import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

const given = new Set<number>();

/** Of those below what systems give to outgoing connections, each worker of the tests has its own, and the process that starts them. */
const FIRST = 15_000;
const SHARES = 4;
const OF_A_SHARE = 4_250;
const share = Number(process.env['VITEST_POOL_ID'] ?? 0) % SHARES;

/**
 * A port of 127.0.0.1 for a server that binds it a little later, or where nobody shall listen. Given once and to nobody else: a port
 * from `listen(0)` may be somebody's again before its server has started.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = FIRST + share * OF_A_SHARE + randomInt(OF_A_SHARE);
    if (given.has(port)) continue;
    given.add(port);
    if (await canBind(port)) return port;
  }
  throw new Error('no free port');
}

async function canBind(port: number): Promise<boolean> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
