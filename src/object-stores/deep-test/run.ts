import { AppError, isAppError } from '../../errors.ts';
import type { S3Answer } from '../s3/answer.ts';
import type { S3Connection } from '../s3/connection.ts';
import { cancelledError } from '../s3/errors.ts';
import { sizeOf } from '../s3/in-between.ts';
import { type S3Request, send } from '../s3/request.ts';
import type { Check, CheckId, Remainder } from './result.ts';

/** The deep test of one bucket on its way. */
export interface BucketTest {
  readonly connection: S3Connection;
  readonly bucket: string;
  /** Everything is written under it: `<base>.bridgeport-probe/<random>/`. */
  readonly folder: string;
  readonly token: string;
  readonly signal: AbortSignal;
  /** Of the size that backups send. */
  readonly partBytes: number;
  /** What was asked to be stored, also where the answer was lost. */
  readonly made: { key: string; versionId: string | null }[];
  readonly uploads: { key: string; uploadId: string }[];
  readonly checks: Check[];
  readonly left: Remainder[];
  versioning: 'kept' | 'off' | 'unknown';
  writtenBytes: number;
  clockOffsetMs: number | null;
  /** True when the storage refused something for want of permission. */
  wasDenied: boolean;
}

/** What a deep test writes beside its one large part. */
const SMALL_BYTES = 2 ** 20;

/** Counts what is about to be written. Throws `internal` before more is written than was promised. */
export function spend(run: BucketTest, bytes: number): void {
  const most = run.partBytes + SMALL_BYTES;
  if (run.writtenBytes + bytes > most) {
    throw new AppError('storage_refused', `It would have written more than ${sizeOf(most)}, so it stopped.`);
  }
  run.writtenBytes += bytes;
}

/** Sends a small request, a second and third time where that helps. */
export function ask(
  run: BucketTest,
  request: Omit<S3Request, 'bucket' | 'signal'> & { readonly signal?: AbortSignal },
): Promise<S3Answer> {
  return send(run.connection, { attempts: 3, signal: run.signal, ...request, bucket: run.bucket });
}

export interface Finding {
  readonly outcome: 'ok' | 'absent' | 'failed' | 'skipped';
  readonly message: string;
  readonly requestId?: string | null;
}

/** Tries one thing and notes what came of it; a failure of the storage is a finding, not an error. */
export async function tryCheck(
  run: BucketTest,
  id: CheckId,
  attempt: () => Promise<Finding>,
): Promise<boolean> {
  const finding = await attempt().catch((error: unknown) => {
    if (run.signal.aborted) throw cancelledError(run.signal);
    run.wasDenied ||= isAppError(error, 'storage_denied');
    return failedBy(error);
  });
  run.checks.push({ id, requestId: null, ...finding });
  return finding.outcome === 'ok';
}

export function skip(run: BucketTest, ids: readonly CheckId[], because: string): void {
  for (const id of ids) run.checks.push({ id, outcome: 'skipped', message: because, requestId: null });
}

function failedBy(error: unknown): Finding {
  if (!isAppError(error)) throw error;
  const { requestId } = error.details;
  return {
    outcome: 'failed',
    message: error.message,
    requestId: typeof requestId === 'string' ? requestId : null,
  };
}

export const ok = (message: string): Finding => ({ outcome: 'ok', message });
export const failed = (message: string): Finding => ({ outcome: 'failed', message });
export const absent = (message: string): Finding => ({ outcome: 'absent', message });
