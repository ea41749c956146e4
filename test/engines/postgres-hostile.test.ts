import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { postgres } from '../../src/engines/postgres/postgres.ts';
import { FIND_PG_DUMP } from '../../src/engines/postgres/tools.ts';
import { runInShell } from './shell.ts';

const folder = mkdtempSync(join(tmpdir(), 'hostile-'));
const proof = join(folder, 'proof');
/** What bash, asked to calculate with it, would run. */
const VERSION = `a[$(touch ${proof})]`;
let server: Server;
beforeAll(async () => {
  server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      const isSslRequest = bytes.length === 8 && bytes.readInt32BE(4) === 80_877_103;
      if (isSslRequest) socket.write('N');
      else if (bytes[0] === 0x51) socket.write(answerTo(VERSION));
      else if (bytes[0] === 0) socket.write(Buffer.concat([message('R', int32(0)), READY]));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

// https://www.postgresql.org/docs/15/protocol-message-formats.html
function message(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}
function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
const READY = message('Z', Buffer.from('I'));
const ONE = Buffer.from([0, 1]);

function answerTo(value: string): Buffer {
  const column = Buffer.concat([ONE, Buffer.from('v\0'), Buffer.alloc(6), int32(25), Buffer.alloc(8)]);
  const row = Buffer.concat([ONE, int32(value.length), Buffer.from(value)]);
  return Buffer.concat([message('T', column), message('D', row), message('C', Buffer.from('SHOW\0')), READY]);
}

it.each([['dash'], ['bash'], ['busybox sh']])(
  'a server that answers a command for its version makes %s run none',
  async (shell) => {
    const { port } = server.address() as AddressInfo;
    const target = {
      ...{ host: '127.0.0.1', port, databaseName: 'orders', username: 'reader', password: 'x' },
      options: postgres.options.parse({}),
    };
    const probing = await runInShell(postgres.look(target).command, { shell: shell.split(' ') });
    expect(probing.exitCode).not.toBe(0);
    expect(probing.stderr).toContain('gave no version');
    // A dump asks only where several versions of pg_dump are installed.
    const asking = `${postgres.dump(target).command.script.split(FIND_PG_DUMP)[0]}\n${FIND_PG_DUMP}\nfind_psql && ask_server`;
    const asked = await runInShell({ script: asking }, { shell: shell.split(' ') });
    expect(asked.exitCode).not.toBe(0);
    expect(existsSync(proof)).toBe(false);
  },
);
