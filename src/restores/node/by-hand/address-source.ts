import { AppError } from '../../../errors.ts';
import type { GetOptions } from '../../../object-stores/object-store.ts';
import { readAnswer, refusalOf, type S3Answer } from '../../../object-stores/s3/answer.ts';
import { networkError } from '../../../object-stores/s3/errors.ts';
import { bodyOf, changed, rangeHeaders } from '../../../object-stores/s3/get.ts';
import { backoffMs, judgeAnswer, judgeNetwork, pause } from '../../../object-stores/s3/retry.ts';
import type { Source } from './sources.ts';

const TRIES = 6;
const PAUSES = { baseMs: 250, capMs: 10_000 } as const;

type Fetch = (url: string, options: RequestInit) => Promise<Response>;

/**
 * An object behind a presigned address, which leads to GET alone. Answers that pass are asked for again. The address, which is as
 * good as a password until it expires, stands in no message. `get` throws as a store does; `pauses` are those before another try.
 */
export function addressSource(address: string, fetch: Fetch, pauses = PAUSES): Source {
  const url = parsedAddress(address);
  const label = `${url.origin}${url.pathname}`;
  const attempted = { operation: 'GET', endpoint: url.origin, key: url.pathname } as const;
  const once = async ({ range, ifMatch, signal }: GetOptions) => {
    // Encoded on its way it would not be what was stored.
    const headers = { 'accept-encoding': 'identity', ...rangeHeaders(range, ifMatch) };
    try {
      return await fetch(url.href, { headers, ...(signal ? { signal } : {}) });
    } catch (error) {
      signal?.throwIfAborted();
      return error;
    }
  };
  return {
    label,
    async get(_, options = {}) {
      for (let tries = 1; ; tries += 1) {
        const response = await once(options);
        if (!(response instanceof Response)) {
          const error = networkError(response, attempted);
          if (judgeNetwork(response) !== 'retry' || tries === TRIES) throw error;
          await pause(backoffMs(tries, pauses, null), options.signal);
          continue;
        }
        if (response.ok) return bodyOf(response, options, attempted);
        if (response.status === 412 && options.ifMatch) throw changed(attempted);
        const answer = await readAnswer(response);
        const mayPass = answer !== null && judgeAnswer(answer) === 'retry';
        if (!mayPass || tries === TRIES) throw refused(label, answer, response.status);
        await pause(backoffMs(tries, pauses, response.headers.get('retry-after')), options.signal);
      }
    },
  };
}

function parsedAddress(address: string): URL {
  const url = URL.parse(address);
  if (url !== null) return url;
  throw new AppError('invalid', 'That is no address: it can’t be parsed. Put it in single quotes.');
}

function refused(label: string, answer: S3Answer | null, status: number): AppError {
  const { code, message } = answer === null ? { code: null, message: null } : refusalOf(answer);
  const said = [status, code, message === null ? null : `(${message.slice(0, 200)})`]
    .filter(Boolean)
    .join(' ');
  if (status === 404) {
    return new AppError('storage_missing', `Nothing lies at ${label} (any more): the answer was ${said}.`);
  }
  const advice =
    status < 500
      ? 'A presigned address holds for a while only, and for that one object: get a new one, and put it in single quotes.'
      : 'Try again later.';
  return new AppError(
    status < 500 ? 'storage_denied' : 'storage_refused',
    `${label} was not given: the answer was ${said}. ${advice}`,
  );
}
