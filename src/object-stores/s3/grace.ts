import type { S3Connection } from './connection.ts';

/**
 * Runs a request whose outcome must be known: a cancellation does not end it at once, but only when it has taken
 * `cancelGraceMs` more. A storage that never answers would otherwise keep a cancelled run for minutes.
 */
export async function withGrace<T>(
  { tuning }: S3Connection,
  signal: AbortSignal,
  action: (late: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const begin = () => {
    timer = setTimeout(() => late.abort(signal.reason), tuning.cancelGraceMs);
  };
  if (signal.aborted) begin();
  else signal.addEventListener('abort', begin, { once: true });
  try {
    return await action(late.signal);
  } finally {
    signal.removeEventListener('abort', begin);
    clearTimeout(timer);
  }
}
