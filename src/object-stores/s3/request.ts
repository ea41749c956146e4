import type { AppError } from '../../errors.ts';
import type { S3Answer } from './answer.ts';
import { meteredOf, type Outcome, readWhole, type S3Request, tryOnce } from './attempt.ts';
import type { S3Connection } from './connection.ts';
import {
  attemptedOf,
  cancelledError,
  isTimeUp,
  networkError,
  outOfPatience,
  refusalError,
} from './errors.ts';
import { backoffMs, judgeAnswer, judgeNetwork, pause, type Verdict } from './retry.ts';

export type { S3Request } from './attempt.ts';

const MAX_SKEW_RETRIES = 2;
const MAX_CORRUPTED_RETRIES = 2;

/**
 * Sends a request, again where that may help, and reads the answer to its end.
 * Throws `AppError` for everything but 2xx and the allowed statuses.
 */
export async function send(connection: S3Connection, request: S3Request): Promise<S3Answer> {
  const { answer, response } = await run(connection, { ...request, stream: false });
  return answer ?? readWhole(connection, request, response);
}

/** The same for a body that is to be streamed: a 2xx answer's body is not read yet. */
export async function open(connection: S3Connection, request: S3Request): Promise<Response> {
  const { answer, response } = await run(connection, { ...request, stream: true });
  return response ?? new Response(answer.text, { status: answer.status, headers: answer.headers });
}

type Success = Extract<Outcome, { kind: 'success' }>;
type Failure = Exclude<Outcome, { kind: 'success' }>;

async function run(connection: S3Connection, request: S3Request): Promise<Success> {
  const { tuning, platform } = connection;
  const attempts = request.isPatient ? tuning.patientAttempts : (request.attempts ?? tuning.attempts);
  const counts = { skewed: 0, corrupted: 0 };
  const stop = eitherOf(request.signal, request.retrySignal);
  let failingSince: number | null = null;
  let regionLearned = false;
  let md5Learned = false;
  for (let tries = 1; ; tries += 1) {
    const outcome = await tryOnce(connection, request);
    if (outcome.kind === 'success') return outcome;
    const refused = outcome.kind === 'refused' ? outcome.answer : null;
    if (refused && !regionLearned && connection.learnRegion(request.bucket, refused)) {
      regionLearned = true;
      continue;
    }
    if (refused && !md5Learned && connection.learnMd5(request.bucket, refused)) {
      md5Learned = true;
      continue;
    }
    const verdict = judge(outcome);
    if (verdict === 'skewed' && refused) connection.learnClock(refused.headers);
    if (verdict === 'skewed' || verdict === 'corrupted') counts[verdict] += 1;
    const error = errorOf(connection, request, outcome);
    failingSince ??= performance.now();
    const failingForMs = performance.now() - failingSince;
    const isPatient = request.isPatient === true && failingForMs < tuning.patienceMs;
    if (isSpent(verdict, tries, isPatient ? Number.POSITIVE_INFINITY : attempts, counts)) {
      throw request.isPatient && verdict === 'retry' && tuning.patienceMs > 0
        ? outOfPatience(error, tries, failingForMs)
        : error;
    }
    platform.meter?.retried(meteredOf(connection, request, outcome));
    platform.log.warn('the storage failed, trying again', {
      ...error.details,
      attempt: tries,
      attempts,
      ...(request.isPatient ? { failingForMs: Math.round(failingForMs), patienceMs: tuning.patienceMs } : {}),
    });
    const retryAfter = refused?.headers.get('retry-after') ?? null;
    const pauseMs = backoffMs(tries, { baseMs: tuning.retryBaseMs, capMs: tuning.retryCapMs }, retryAfter);
    await pause(pauseMs, stop).catch((ended: unknown) => {
      // What came back last tells more than that there was no time left to try again.
      throw stop !== undefined && isTimeUp(stop) ? error : ended;
    });
    if (request.retrySignal?.aborted) throw cancelledError(request.retrySignal);
    const known = await request.beforeRetry?.();
    if (known) return { kind: 'success', answer: known };
  }
}

function eitherOf(one: AbortSignal | undefined, other: AbortSignal | undefined): AbortSignal | undefined {
  return one && other ? AbortSignal.any([one, other]) : (one ?? other);
}

function judge(failure: Failure): Verdict {
  return failure.kind === 'refused' ? judgeAnswer(failure.answer) : judgeNetwork(failure.error);
}

function isSpent(
  verdict: Verdict,
  tries: number,
  attempts: number,
  counts: { readonly skewed: number; readonly corrupted: number },
): boolean {
  // A corrected clock makes another request of it: one try is always left for that.
  if (verdict === 'skewed') return counts.skewed > MAX_SKEW_RETRIES;
  if (verdict === 'corrupted') return counts.corrupted > MAX_CORRUPTED_RETRIES;
  return verdict === 'final' || tries >= attempts;
}

function errorOf(connection: S3Connection, request: S3Request, failure: Failure): AppError {
  const attempted = attemptedOf(connection, request);
  return failure.kind === 'refused'
    ? refusalError(failure.answer, attempted, connection.settings)
    : networkError(failure.error, attempted);
}
