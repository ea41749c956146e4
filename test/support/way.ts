import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A network between the product and a server of this machine that can stop carrying without a word. */
export interface Way {
  readonly port: number;
  /** What is sent after so many more bytes goes nowhere, and so does every answer; gives when that has begun. */
  swallowAfter(bytes: number): Promise<void>;
  /** Whoever connects now is carried again; the connections that were held end. */
  carry(): void;
  close(): void;
}

export async function openWay(to: number): Promise<Way> {
  const sockets = new Set<Socket>();
  let left = Number.POSITIVE_INFINITY;
  let onSwallowed = () => {};
  const carryTo = (from: Socket, other: Socket, isSent: boolean) => {
    sockets.add(from);
    from.on('error', () => {});
    from.on('close', () => {
      sockets.delete(from);
      other.destroy();
    });
    from.on('data', (bytes) => {
      if (left <= 0) return onSwallowed();
      if (isSent) left -= bytes.length;
      // Who sends waits for who reads, as on any network.
      if (!other.write(bytes)) {
        from.pause();
        other.once('drain', () => from.resume());
      }
    });
  };
  const server = createServer((client) => {
    const upstream = connect(to, '127.0.0.1');
    carryTo(client, upstream, true);
    carryTo(upstream, client, false);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    swallowAfter: (bytes) =>
      new Promise((done) => {
        left = bytes;
        onSwallowed = done;
      }),
    carry() {
      cut();
      left = Number.POSITIVE_INFINITY;
    },
    close() {
      server.close();
      cut();
    },
  };
}
