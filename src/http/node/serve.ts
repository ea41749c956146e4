import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';

/**
 * A connection is kept so long without a request: longer than proxies keep theirs (a minute, commonly), since one that is closed
 * here at the moment of its next request fails that request.
 */
const IDLE_CONNECTION_MS = 75_000;

/** Answers requests on that address; port 0 is any free one. */
export function serveApp(
  app: { readonly fetch: (request: Request) => Response | Promise<Response> },
  { host, port }: { readonly host: string; readonly port: number },
  onListening: (address: AddressInfo) => void,
): ReturnType<typeof serve> {
  return serve(
    { fetch: app.fetch, hostname: host, port, serverOptions: { keepAliveTimeout: IDLE_CONNECTION_MS } },
    onListening,
  );
}
