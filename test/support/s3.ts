import { createPartMemory } from '../../src/object-stores/part-memory.ts';
import { createS3 } from '../../src/object-stores/s3/client.ts';
import { createNodePlatform } from '../../src/object-stores/s3/node/platform.ts';
import type { ProxySettings } from '../../src/object-stores/s3/proxy.ts';
import type { S3 } from '../../src/object-stores/s3/s3.ts';
import type { Tuning } from '../../src/object-stores/s3/tuning.ts';
import type { StorageMeter } from '../../src/object-stores/storage-meter.ts';

/** Retries as in production, waits as a test can bear them. */
export const QUICK: Partial<Tuning> = {
  patientAttempts: 5,
  patienceMs: 0,
  retryBaseMs: 5,
  retryCapMs: 50,
  settleRounds: 4,
  settleBaseMs: 20,
};

export interface OpenedS3 {
  readonly s3: S3;
  close(): Promise<void>;
}

/** A client of its own, with the memory and sockets that Node gives it. */
export function openTestS3(options: {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly ca?: string | undefined;
  readonly now?: () => Date;
  readonly memoryBytes?: number;
  readonly publicEndpoint?: string;
  readonly proxy?: ProxySettings;
  readonly tuning?: Partial<Tuning>;
  readonly onLog?: (message: string, fields: unknown) => void;
  readonly meter?: StorageMeter;
}): OpenedS3 {
  const record = (message: string, fields?: unknown) => options.onLog?.(message, fields);
  const platform = createNodePlatform({
    log: { debug: record, info: record, warn: record, error: record },
    now: options.now ?? (() => new Date()),
    ca: options.ca,
    partMemory: createPartMemory(options.memoryBytes ?? 64 * 2 ** 20),
    publicEndpoint: options.publicEndpoint ?? null,
    ...(options.proxy ? { proxy: options.proxy } : {}),
    ...(options.meter ? { meter: options.meter } : {}),
  });
  const { endpoint, region, accessKey, secretKey } = options;
  return {
    s3: createS3({ endpoint, region, accessKey, secretKey }, platform, { ...QUICK, ...options.tuning }),
    close: () => platform.close(),
  };
}
