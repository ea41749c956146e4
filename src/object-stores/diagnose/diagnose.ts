import { isAppError } from '../../errors.ts';
import { refusalOf, type S3Answer } from '../s3/answer.ts';
import { type Outcome, tryOnce } from '../s3/attempt.ts';
import type { S3Connection } from '../s3/connection.ts';
import { lacksToken } from '../s3/errors.ts';
import { parseXml } from '../s3/xml.ts';
import { type Diagnosis, diagnosis } from './diagnosis.ts';
import { diagnoseNetwork } from './network.ts';
import { diagnoseAnswer } from './refusal.ts';

const LIMIT_MS = 10_000;

/**
 * Why a request to the storage (`bucket` null), or to one of its buckets, failed. A failure of the network tells it by
 * itself; after a refusal the question is asked once more, because an error does not carry the whole answer.
 * Null where the second answer is fine.
 */
export async function diagnoseFailure(
  connection: S3Connection,
  error: unknown,
  about: { readonly bucket: string | null; readonly prefix?: string; readonly signal: AbortSignal },
): Promise<Diagnosis | null> {
  const { bucket } = about;
  const { endpoint } = connection.addressOf(bucket ?? undefined);
  const proxy = connection.platform.proxyOf?.(endpoint) ?? null;
  if (isAppError(error) && error.details.unusableKey === true) {
    return diagnosis('wrong_key_id', error.message, { bucket });
  }
  if (isAppError(error) && typeof error.details.networkCode === 'string') {
    return diagnoseNetwork(error.cause, endpoint, { bucket, proxy });
  }
  const outcome = await askOnce(connection, about);
  if (outcome.kind === 'failed') return diagnoseNetwork(outcome.error, endpoint, { bucket, proxy });
  const { answer } = outcome;
  if (answer === undefined || (outcome.kind === 'success' && isS3(answer))) return null;
  const { signingRegion, provider } = connection.addressOf(bucket ?? undefined);
  const { settings } = connection;
  return diagnoseAnswer(answer, {
    endpoint,
    signingRegion,
    provider,
    bucket,
    lacksToken: lacksToken(settings),
  });
}

/** How far this machine's clock is off, where it is far enough to be corrected; null after no answer. */
export function diagnoseClock(connection: S3Connection): Diagnosis | null {
  const offsetMs = connection.now().getTime() - connection.platform.now().getTime();
  // The two clocks are read one after the other.
  if (!connection.clockKnown() || Math.abs(offsetMs) < 5_000) return null;
  const host = new URL(connection.settings.endpoint).host;
  const sentence = `The clock of this machine is ${duration(Math.abs(offsetMs))} ${offsetMs > 0 ? 'behind' : 'ahead of'} that of ${host}. Requests are signed by the storage's time, so it works; set the clock (NTP) all the same.`;
  return diagnosis('clock', sentence);
}

async function askOnce(
  connection: S3Connection,
  about: { readonly bucket: string | null; readonly prefix?: string; readonly signal: AbortSignal },
): Promise<Outcome> {
  const query = { 'list-type': '2', 'max-keys': '1', prefix: about.prefix ?? '' };
  const request = {
    operation: about.bucket === null ? 'ListBuckets' : 'ListObjectsV2',
    method: 'GET',
    signal: about.signal,
    timeoutMs: LIMIT_MS,
    ...(about.bucket === null ? {} : { bucket: about.bucket, query }),
  } as const;
  const outcome = await tryOnce(connection, request);
  if (outcome.kind !== 'refused' || refusalOf(outcome.answer).code !== 'RequestTimeTooSkewed') return outcome;
  connection.learnClock(outcome.answer.headers);
  return tryOnce(connection, request);
}

function isS3(answer: S3Answer): boolean {
  const root = parseXml(answer.text)?.root;
  return root === 'ListAllMyBucketsResult' || root === 'ListBucketResult';
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} seconds`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`;
}
