import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** A name server on a port of this machine that says of every name what it is told to, for no longer than now. */
export interface DnsServer {
  /** As `Resolver.setServers` takes it. */
  readonly address: string;
  /** Names and types that it was asked for, in the order of their coming. */
  readonly asked: string[];
  close(): void;
}

const TYPE_A = 1;
const HEADER_BYTES = 12;

/** `answers`: IPv4 addresses, each query of type A the next, and the last one for ever. */
export async function startDnsServer(answers: readonly string[]): Promise<DnsServer> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  let given = 0;
  socket.on('message', (query, from) => {
    const labels: string[] = [];
    let at = HEADER_BYTES;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += length + 1;
    }
    const question = query.subarray(HEADER_BYTES, at + 5);
    const isA = query.readUInt16BE(at + 1) === TYPE_A;
    asked.push(`${labels.join('.')} ${isA ? 'A' : 'other'}`);
    const address = isA ? answers[Math.min(given++, answers.length - 1)] : undefined;
    const header = Buffer.alloc(HEADER_BYTES);
    query.copy(header, 0, 0, 2);
    // An answer, with recursion; one question, and what is known of it.
    header.writeUInt16BE(0x8180, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(address === undefined ? 0 : 1, 6);
    // The name of the question, type A, class IN, 0 seconds, 4 bytes.
    const head = Buffer.from([0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 0, 0, 4]);
    const record = address === undefined ? [] : [head, Buffer.from(address.split('.').map(Number))];
    socket.send(Buffer.concat([header, question, ...record]), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    close: () => void socket.close(),
  };
}
