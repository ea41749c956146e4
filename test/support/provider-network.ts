import { request as send } from 'undici';
import type { DevBucket } from '../../dev/bucket/server.ts';
import { createPartMemory } from '../../src/object-stores/part-memory.ts';
import { createS3 } from '../../src/object-stores/s3/client.ts';
import { createNodePlatform } from '../../src/object-stores/s3/node/platform.ts';
import type { S3Platform } from '../../src/object-stores/s3/platform.ts';
import { type OpenedS3, QUICK } from './s3.ts';

/**
 * A client of a provider's real endpoint, whose every request goes to the development bucket instead, with the host
 * that it was meant and signed for: so the client takes the provider for what it says it is.
 */
export function openProvider(
  server: DevBucket,
  settings: {
    readonly endpoint: string;
    readonly region: string;
    readonly accessKey: string;
    readonly secretKey: string;
  },
  options: {
    readonly memoryBytes?: number;
    readonly onLog?: (message: string, fields: unknown) => void;
  } = {},
): OpenedS3 {
  const record = (message: string, fields?: unknown) => options.onLog?.(message, fields);
  const platform = createNodePlatform({
    log: { debug: record, info: record, warn: record, error: record },
    now: () => new Date(),
    // 10 MiB of memory make parts of 5 MiB.
    partMemory: createPartMemory(options.memoryBytes ?? 10 * 2 ** 20),
    publicEndpoint: null,
  });
  return {
    s3: createS3(settings, { ...platform, ...reroute(platform, server.endpoint) }, QUICK),
    close: () => platform.close(),
  };
}

function reroute(platform: S3Platform, endpoint: string): Pick<S3Platform, 'fetch' | 'send'> {
  return {
    send(request) {
      const { host, target } = aim(request.url, endpoint);
      const headers = new Headers(request.headers);
      headers.set('host', host);
      return platform.send({ ...request, url: target, headers });
    },
    async fetch(input, init) {
      const { host, target } = aim(String(input), endpoint);
      const answer = await send(target, {
        method: methodOf(init?.method),
        headers: { ...Object.fromEntries(new Headers(init?.headers)), host },
        body: init?.body instanceof Uint8Array ? init.body : null,
        signal: init?.signal ?? null,
      });
      const hasBody = init?.method !== 'HEAD' && answer.statusCode !== 204;
      if (!hasBody) await answer.body.dump();
      const headers = Object.entries(answer.headers).map(([name, value]): [string, string] => [
        name,
        String(value),
      ]);
      return new Response(hasBody ? streamOf(answer.body) : null, {
        status: answer.statusCode,
        headers,
      });
    },
  };
}

function streamOf(body: AsyncIterable<Uint8Array<ArrayBuffer>>): ReadableStream<Uint8Array<ArrayBuffer>> {
  const chunks = body[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const next = await chunks.next();
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel() {
      await chunks.return?.();
    },
  });
}

function aim(url: string, endpoint: string): { host: string; target: string } {
  const { host, pathname, search } = new URL(url);
  return { host, target: `${endpoint}${pathname}${search}` };
}

const METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'] as const;

function methodOf(name: string | undefined): (typeof METHODS)[number] {
  return METHODS.find((method) => method === name) ?? 'GET';
}
