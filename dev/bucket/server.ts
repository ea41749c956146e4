import { mkdir } from 'node:fs/promises';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { join } from 'node:path';
import type { Certificate } from './certificate.ts';
import { loadCertificate } from './certificate-file.ts';
import { createFaultBook, type FaultControl } from './faults.ts';
import { handleRequest, type RecordedRequest, type World } from './handle.ts';
import type { Limits } from './operations/exchange.ts';
import { PLAIN } from './profile.ts';
import { createProfile, type ProfileName } from './profiles.ts';
import type { AccessKey } from './signature.ts';
import { type Bucket, openBucket } from './store.ts';

export type { Fault, FaultControl, FaultHit, FaultMatch, FaultRule } from './faults.ts';
export type { RecordedRequest } from './handle.ts';
export type { ProfileName } from './profiles.ts';
export type { OperationName } from './request.ts';
export type { AccessKey } from './signature.ts';

export interface DevBucketOptions {
  /** Where objects, the certificate and its key are kept; made when absent, and read again by a later start. */
  readonly folder: string;
  readonly keys: readonly AccessKey[];
  /** Buckets that exist from the start. */
  readonly buckets: readonly string[];
  /** Those of them that keep versions. */
  readonly versioned?: readonly string[];
  /** Default true. */
  readonly tls?: boolean;
  /** Default 0: any free port. */
  readonly port?: number;
  readonly host?: '127.0.0.1';
  /** The region that requests must be signed for; default us-east-1. */
  readonly region?: string;
  /** Keep sizes, hashes, and the first and last 64 KiB of each part; the rest reads as zeros. */
  readonly discard?: boolean;
  readonly limits?: Partial<Limits>;
  /** Behaves as this provider is known to; nothing special when absent. */
  readonly profile?: ProfileName;
  /** Profile `aws`: buckets that lie in another region. */
  readonly bucketRegions?: Readonly<Record<string, string>>;
  /** One line per request. */
  readonly log?: (line: string) => void;
  /** What the bucket takes for the time when it checks signatures; default the machine's. */
  readonly now?: () => Date;
}

export interface DevBucket {
  /** `https://127.0.0.1:PORT`, or `http://…` without TLS. */
  readonly endpoint: string;
  readonly region: string;
  /** What a client must trust, as text and as a file; null without TLS. */
  readonly caPem: string | null;
  readonly caFile: string | null;
  readonly faults: FaultControl;
  /** Every request in the order of arrival. */
  readonly requests: readonly Readonly<RecordedRequest>[];
  /** The current objects of a bucket, by key. */
  objects(bucket: string): readonly ListedObject[];
  /** The unfinished multipart uploads of a bucket. */
  uploads(bucket: string): readonly ListedUpload[];
  /** Ends all connections and stops listening; the folder stays. */
  close(): Promise<void>;
}

export interface ListedObject {
  readonly key: string;
  readonly bytes: number;
  readonly etag: string;
  readonly versionId: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

export interface ListedUpload {
  readonly uploadId: string;
  readonly key: string;
  readonly parts: readonly { readonly partNumber: number; readonly bytes: number; readonly etag: string }[];
}

/**
 * Starts a small S3 server for tests, benches and demonstrations; not for production. It verifies signatures strictly,
 * streams bodies to files, and can be told to fail (`faults`).
 */
export async function startDevBucket(options: DevBucketOptions): Promise<DevBucket> {
  const { folder, host = '127.0.0.1', region = 'us-east-1', tls = true } = options;
  await mkdir(folder, { recursive: true });
  const world = await createWorld(options, region);
  const caFile = tls ? join(folder, 'ca.pem') : null;
  const certificate =
    caFile === null ? null : await loadCertificate(caFile, join(folder, 'ca-key.pem'), options.buckets);
  const server = createServer(certificate, (request, response) => handleRequest(world, request, response));
  await listen(server, options.port ?? 0, host);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    endpoint: `${tls ? 'https' : 'http'}://${host}:${port}`,
    region,
    caPem: certificate?.certPem ?? null,
    caFile,
    faults: world.faults,
    requests: world.requests,
    objects: (bucket) => listObjects(findBucket(world.buckets, bucket)),
    uploads: (bucket) => listUploads(findBucket(world.buckets, bucket)),
    close: () => close(server),
  };
}

async function createWorld(options: DevBucketOptions, region: string): Promise<World> {
  const { folder, versioned = [], limits, bucketRegions = {} } = options;
  const profile = options.profile ? createProfile(options.profile, { bucketRegions }) : PLAIN;
  const buckets = new Map<string, Bucket>();
  for (const name of options.buckets) {
    buckets.set(name, await openBucket(folder, name, profile.versioned || versioned.includes(name)));
  }
  return {
    buckets,
    keys: options.keys,
    region,
    discard: options.discard ?? false,
    limits: {
      maxParts: 10_000,
      smallestPartBytes: 5 * 2 ** 20,
      equalParts: false,
      requireMd5: false,
      encodesSilently: false,
      encodesUnasked: null,
      ...profile.limits,
      ...limits,
    },
    faults: createFaultBook(),
    profile,
    requests: [],
    log: options.log ?? (() => {}),
    now: options.now ?? (() => new Date()),
    createBucket: async (name) => {
      buckets.set(name, await openBucket(folder, name, profile.versioned));
    },
  };
}

function createServer(
  certificate: Certificate | null,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  // No limit on a request's duration: a slow upload is a client's right, and tests hold requests back.
  const settings = { requestTimeout: 0, keepAliveTimeout: 30_000 };
  const server =
    certificate === null
      ? createHttpServer(settings, handler)
      : createHttpsServer({ ...settings, cert: certificate.certPem, key: certificate.keyPem }, handler);
  // Without a listener Node answers `100 Continue` before the signature is verified.
  server.on('checkContinue', handler);
  return server;
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve());
  });
}

function close(server: Server): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });
}

function findBucket(buckets: ReadonlyMap<string, Bucket>, name: string): Bucket {
  const bucket = buckets.get(name);
  if (bucket === undefined) throw new Error(`The development bucket has no bucket ${name}.`);
  return bucket;
}

function listObjects(bucket: Bucket): ListedObject[] {
  return [...bucket.objects.values()].flatMap(([newest]) => {
    if (newest === undefined || newest.deleteMarker) return [];
    const { key, bytes, etag, versionId, headers } = newest;
    return [{ key, bytes, etag, versionId, headers }];
  });
}

function listUploads(bucket: Bucket): ListedUpload[] {
  return [...bucket.uploads.values()].map(({ uploadId, key, parts }) => ({
    uploadId,
    key,
    parts: [...parts.values()]
      .sort((a, b) => a.partNumber - b.partNumber)
      .map(({ partNumber, etag, segment }) => ({ partNumber, etag, bytes: segment.bytes })),
  }));
}
