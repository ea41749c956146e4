import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Ping {
  readonly method: string;
  /** Path with its query. */
  readonly path: string;
  readonly body: string;
}

/** A service that is pinged, on a port of this machine: it answers `OK`, or what it is told to. */
export interface PingServer {
  /** Without a slash at its end. */
  readonly url: string;
  readonly port: number;
  readonly pings: Ping[];
  answer(how: (request: IncomingMessage, response: ServerResponse, ping: Ping) => void): void;
  close(): Promise<void>;
}

export async function startPingServer(): Promise<PingServer> {
  const pings: Ping[] = [];
  const usual = (_: IncomingMessage, response: ServerResponse) => void response.end('OK');
  let how: (request: IncomingMessage, response: ServerResponse, ping: Ping) => void = usual;
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const ping = { method: request.method ?? '', path: request.url ?? '', body };
    pings.push(ping);
    how(request, response, ping);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    pings,
    answer(next) {
      how = next;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
