import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import ssh2 from 'ssh2';
import { newSshKeys } from './ssh-key.ts';

/** A server of somebody who wants the passwords that clients bring along; it answers on every address of this machine. */
export interface RogueServer {
  readonly port: number;
  /** Everything that clients sent, as text. */
  heard(): string;
  connections(): number;
  close(): Promise<void>;
}

/** A PostgreSQL server that asks everybody for the password in clear text, and then lets nobody in. */
export async function startRoguePostgres(): Promise<RogueServer> {
  let heard = '';
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    let hasAsked = false;
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      const text = chunk.toString('utf8');
      heard += text;
      const isRequestForTls = chunk.length === 8 && chunk.readUInt32BE(4) % 2 ** 16 > 5000;
      if (isRequestForTls) socket.write('N');
      else if (!hasAsked) {
        hasAsked = true;
        // AuthenticationCleartextPassword
        socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
      } else {
        const fields = 'SFATAL\0C28P01\0Mpassword authentication failed for user "x"\0\0';
        const head = Buffer.alloc(5);
        head.write('E');
        head.writeUInt32BE(4 + fields.length, 1);
        socket.end(Buffer.concat([head, Buffer.from(fields)]));
      }
    });
  });
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  return {
    // A listening TCP server has such an address.
    port: (server.address() as AddressInfo).port,
    heard: () => heard,
    connections: () => connections,
    close: () => new Promise((done) => server.close(() => done())),
  };
}

/** An SSH server that takes every key, runs nothing, and keeps what commands get on stdin: as it is, and decoded. */
export async function startRogueSshd(): Promise<RogueServer> {
  let heard = '';
  let connections = 0;
  const clients = new Set<ssh2.Connection>();
  const server = new ssh2.Server({ hostKeys: [newSshKeys().private] }, (client) => {
    connections += 1;
    clients.add(client);
    client.on('error', () => {});
    client.on('close', () => clients.delete(client));
    client.on('authentication', (context) => context.accept());
    client.on('session', (accept) => {
      accept().on('exec', (acceptExec, _reject, { command }) => {
        heard += command;
        const channel = acceptExec();
        channel.write(`\n${/[0-9a-f]{24}/.exec(command)?.[0] ?? ''} 4194000\n`);
        let line = '';
        channel.on('data', (chunk: Buffer) => {
          line += chunk.toString('utf8');
          heard += `${line}${Buffer.from(line, 'base64').toString('utf8')}`;
          if (!line.includes('\n')) return;
          channel.exit(1);
          channel.end();
        });
      });
    });
  });
  server.listen(0, '0.0.0.0');
  // ssh2's server passes the events of its socket on; its types do not say so.
  await once(server as unknown as NodeJS.EventEmitter, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    heard: () => heard,
    connections: () => connections,
    close: () => {
      for (const client of clients) client.end();
      return new Promise((done) => server.close(() => done()));
    },
  };
}

/**
 * A MySQL server that lets everybody in, whom it first asks for the password in clear text; with `wantedFile` it answers
 * every statement by asking the client for that file of its own machine.
 */
export async function startRogueMysql(options: { readonly wantedFile?: string } = {}): Promise<RogueServer> {
  let heard = '';
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    let state: 'greeted' | 'asked' | 'in' | 'reading' = 'greeted';
    let rest: Buffer = Buffer.alloc(0);
    const send = (sequence: number, payload: Buffer) => {
      const head = Buffer.alloc(4);
      head.writeUIntLE(payload.length, 0, 3);
      head.writeUInt8(sequence, 3);
      socket.write(Buffer.concat([head, payload]));
    };
    const answer = (sequence: number, payload: Buffer) => {
      heard += payload.toString('utf8');
      if (state === 'greeted') {
        state = 'asked';
        send(sequence + 1, Buffer.from('\xfemysql_clear_password\0', 'latin1'));
      } else if (state === 'asked') {
        state = 'in';
        send(sequence + 1, OK);
      } else if (state === 'reading') {
        if (payload.length > 0) return;
        state = 'in';
        send(sequence + 1, OK);
      } else if (options.wantedFile === undefined) {
        send(sequence + 1, OK);
      } else {
        state = 'reading';
        send(sequence + 1, Buffer.from(`\xfb${options.wantedFile}`, 'latin1'));
      }
    };
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readUIntLE(0, 3)) {
        const length = rest.readUIntLE(0, 3);
        const payload = rest.subarray(4, 4 + length);
        const sequence = rest.readUInt8(3);
        rest = rest.subarray(4 + length);
        answer(sequence, payload);
      }
    });
    send(0, GREETING);
  });
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    heard: () => heard,
    connections: () => connections,
    close: () => new Promise((done) => server.close(() => done())),
  };
}

const OK = Buffer.from([0, 0, 0, 2, 0, 0, 0]);

/** Protocol 10 with plugins of authentication and LOAD DATA LOCAL, without TLS. */
const GREETING = Buffer.concat([
  Buffer.from('\x0a5.5.5-10.11.6-MariaDB\0\x01\0\0\0saltsalt\0', 'latin1'),
  Buffer.from([0x8d, 0xa2, 0x2d, 0x02, 0x00, 0x08, 0x00, 21, ...Buffer.alloc(10)]),
  Buffer.from('saltsaltsalt\0mysql_native_password\0', 'latin1'),
]);
