import { MAX_XML_BYTES, parseXml, textOf } from './xml.ts';

/** An answer that was read to its end. */
export interface S3Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Larger than is read of a refusal, so that nothing is known of its text. */
  readonly isUnread?: boolean;
}

/** What an `<Error>` says, as far as it says it. */
export interface S3Refusal {
  readonly code: string | null;
  readonly message: string | null;
  readonly region: string | null;
  readonly endpoint: string | null;
  readonly requestId: string | null;
}

const refusals = new WeakMap<S3Answer, S3Refusal>();

/** The `<Error>` in an answer; all null where there is none (answers to HEAD have no body). */
export function refusalOf(answer: S3Answer): S3Refusal {
  const known = refusals.get(answer) ?? readRefusal(answer);
  // An answer is asked several times: whether to try again, whether it names a region, and what to say of it.
  refusals.set(answer, known);
  return known;
}

function readRefusal(answer: S3Answer): S3Refusal {
  const document = answer.text.length > MAX_REFUSAL_BYTES ? null : parseXml(answer.text);
  const error = document?.root === 'Error' ? document.content : undefined;
  return {
    code: textOf(error, 'Code'),
    message: textOf(error, 'Message'),
    region: textOf(error, 'Region'),
    endpoint: textOf(error, 'Endpoint'),
    requestId: textOf(error, 'RequestId') ?? answer.headers.get('x-amz-request-id'),
  };
}

/** Some storages put the request, with its key of 1,024 bytes and its canonical form, into the error. */
const MAX_REFUSAL_BYTES = 64 * 1024;

/** Reads an answer's body to its end; null for a success that is larger than any of S3. Of a refusal the rest is left. */
export async function readAnswer(response: Response): Promise<S3Answer | null> {
  const { status, headers } = response;
  const text = await readText(response.body, response.ok ? MAX_XML_BYTES : MAX_REFUSAL_BYTES);
  if (text === null && response.ok) return null;
  return text === null ? unread({ status, headers }) : { status, headers, text };
}

/** What the transport of large bodies read of an answer, judged as `readAnswer` does. */
export function boundedAnswer(answer: S3Answer): S3Answer {
  return answer.status >= 300 && answer.text.length > MAX_REFUSAL_BYTES ? unread(answer) : answer;
}

function unread({ status, headers }: Pick<S3Answer, 'status' | 'headers'>): S3Answer {
  return { status, headers, text: '', isUnread: true };
}

/** Null where there is more; leaving the loop cancels the body. */
async function readText(body: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<string | null> {
  if (!body) return '';
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return null;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
