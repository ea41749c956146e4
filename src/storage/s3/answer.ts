import { parseXml, textOf } from './xml.ts';

/** An answer that was read to its end. */
export interface S3Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** What an `<Error>` says, as far as it says it. */
export interface S3Refusal {
  readonly code: string | null;
  readonly message: string | null;
  readonly region: string | null;
  readonly endpoint: string | null;
  readonly requestId: string | null;
}

/** The `<Error>` in an answer; all null where there is none (answers to HEAD have no body). */
export function refusalOf(answer: S3Answer): S3Refusal {
  const document = parseXml(answer.text);
  const error = document?.root === 'Error' ? document.content : undefined;
  return {
    code: textOf(error, 'Code'),
    message: textOf(error, 'Message'),
    region: textOf(error, 'Region'),
    endpoint: textOf(error, 'Endpoint'),
    requestId: textOf(error, 'RequestId') ?? answer.headers.get('x-amz-request-id'),
  };
}

/** Reads an answer's body, at most `MAX_TEXT_BYTES` of it, so that garbage can't fill the memory. */
export async function readAnswer(response: Response): Promise<S3Answer> {
  return { status: response.status, headers: response.headers, text: await readText(response.body) };
}

const MAX_TEXT_BYTES = 8 * 2 ** 20;

async function readText(body: ReadableStream<Uint8Array> | null): Promise<string> {
  if (!body) return '';
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_TEXT_BYTES) break; // leaving the loop cancels the body
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
