import type { TriedView } from '../../../../views/reference/reference.ts';

/** What the whole app answers, as a server would ask it. */
export type Answering = (request: Request, env: unknown) => Response | Promise<Response>;

/** So much of a body is read and shown, in bytes; the rest is not fetched. */
const SHOWN_BYTES = 16 * 1024;
/** Longer than any route works on a request, and than the wait that a form may ask for. */
const PATIENCE_MS = 65_000;

/**
 * Sends a request through the app itself, and tells what came back, cut at 16 KiB. `secret` is blanked in all that is told. A body that
 * goes on is left; an answer that does not come within 65 seconds is given up, and told as such.
 */
export async function tryRequest(
  answering: Answering,
  {
    request,
    env,
    secret,
  }: { readonly request: Request; readonly env: unknown; readonly secret: string | null },
  { patienceMs = PATIENCE_MS } = {},
): Promise<TriedView> {
  const startedAt = performance.now();
  const tookMs = () => Math.round(performance.now() - startedAt);
  const gone = new AbortController();
  const timer = setTimeout(() => gone.abort(), patienceMs);
  const late = new Promise<null>((resolve) => {
    gone.signal.addEventListener('abort', () => resolve(null), { once: true });
  });
  try {
    const signal = AbortSignal.any([request.signal, gone.signal]);
    const answer = await Promise.race([answering(new Request(request, { signal }), env), late]);
    if (answer === null) return unanswered(tookMs(), patienceMs);
    const { text, note } = await bodyOf(answer, late);
    return {
      status: answer.status,
      statusText: STATUS_TEXTS[answer.status] ?? '',
      tookMs: tookMs(),
      headers: [...answer.headers].map(([name, value]) => [name, blanked(value, secret)] as const),
      body: blanked(text, secret),
      note,
    };
  } finally {
    clearTimeout(timer);
  }
}

function unanswered(tookMs: number, patienceMs: number): TriedView {
  const note = `No answer within ${patienceMs / 1000} seconds: it was given up here, and what it began may go on.`;
  return { status: null, statusText: 'No answer', tookMs, headers: [], body: '', note };
}

async function bodyOf(
  answer: Response,
  late: Promise<null>,
): Promise<{ readonly text: string; readonly note: string | null }> {
  const type = answer.headers.get('content-type') ?? '';
  if (answer.body === null) return { text: '', note: 'It has no body.' };
  if (!/^(application\/json|application\/jsonl|application\/x-ndjson|text\/)/.test(type)) {
    await answer.body.cancel();
    return {
      text: '',
      note: `A file of type ${type || 'unknown'}, which is not shown here: fetch it by the command below.`,
    };
  }
  const { bytes, isWhole } = await readSome(answer.body, late);
  const text = new TextDecoder().decode(bytes);
  if (isWhole) return { text: type.startsWith('application/json') ? pretty(text) : text, note: null };
  return { text, note: `Cut after ${SHOWN_BYTES / 1024} KiB: the command below gives all of it.` };
}

/** The beginning of a body; the rest is cancelled at its source. */
async function readSome(body: ReadableStream<Uint8Array>, late: Promise<null>) {
  const reader = body.getReader();
  const bytes = new Uint8Array(SHOWN_BYTES);
  let length = 0;
  for (;;) {
    const read = await Promise.race([reader.read(), late]);
    if (read?.done) return { bytes: bytes.subarray(0, length), isWhole: true };
    const some = read?.value.subarray(0, SHOWN_BYTES - length);
    if (some !== undefined) bytes.set(some, length);
    length += some?.length ?? 0;
    if (read === null || some?.length !== read.value.length) {
      await reader.cancel();
      return { bytes: bytes.subarray(0, length), isWhole: false };
    }
  }
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Nothing that was typed as a token is shown again, whoever repeats it. */
function blanked(text: string, secret: string | null): string {
  return secret === null ? text : text.replaceAll(secret, '…');
}

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  206: 'Partial Content',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};
