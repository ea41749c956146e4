import type { ErrorCode } from '../../errors.ts';
import { refusalOf, type S3Answer } from './answer.ts';

/** What is known of a request whose answer is judged. */
interface Sent {
  readonly method?: string | undefined;
  readonly body?: { readonly byteLength: number } | undefined;
}

/**
 * True for a refusal that no S3 storage gives: without an error code, which every answer to another method than HEAD
 * has, and without a request id. A proxy, a firewall, a CDN or another web server gave it.
 */
export function isFromBetween(answer: S3Answer, { method }: Sent): boolean {
  if (method === undefined || method === 'HEAD' || answer.status < 300 || answer.isUnread) return false;
  const { code, requestId } = refusalOf(answer);
  return code === null && requestId === null && !answer.headers.has('x-amz-bucket-region');
}

/** What such a refusal means, and what to do: sentences for the admin. */
export function meaningOfBetween(answer: S3Answer, sent: Sent): { code: ErrorCode; advice: string } {
  const { status, headers } = answer;
  const by = describeServer(headers);
  const location = headers.get('location');
  if (status === 413 && sent.body) {
    const size = sizeOf(sent.body.byteLength);
    return {
      code: 'storage_proxy',
      advice: `That has no S3 error code, so it is not the storage's: a proxy in front of it${by} takes no request body of ${size}. Raise its limit to at least that (nginx: client_max_body_size, 1 MiB by default), or enter an address of the storage that does not lead through it.`,
    };
  }
  if (status === 407) return { code: 'storage_proxy', advice: `A proxy on the way${by} wants a sign-in.` };
  if (status >= 500 || status === 429 || status === 408 || status === 425) {
    return {
      code: 'storage_unreachable',
      advice: `That has no S3 error code, so it comes from a proxy or load balancer in front of the storage${by}: what is behind it did not answer in time, or is down. It kept failing after several tries.`,
    };
  }
  if (status < 400) {
    const to = location !== null && URL.canParse(location) ? ` to ${new URL(location).host}` : ' elsewhere';
    return {
      code: 'storage_proxy',
      advice: `That has no S3 error code, so it is not the storage's: something in between${by} sends requests${to}. Check that the endpoint is an S3 address, and that no sign-in page is in between.`,
    };
  }
  return {
    code: 'storage_proxy',
    advice: `That has no S3 error code, so it is not the storage's: a proxy, a firewall or another web server${by} answered in its place. Nothing is known of the key's rights. Check that the endpoint is an S3 address, and what is in between.`,
  };
}

/** The program that names itself in an answer, in brackets; nothing where none does. */
export function describeServer(headers: Headers): string {
  const name = headers.get('server') ?? headers.get('via');
  return name === null ? '' : ` (${name.slice(0, 60)})`;
}

/** `16 MiB`, as settings of proxies are written. */
export function sizeOf(bytes: number): string {
  const MIB = 2 ** 20;
  return bytes >= MIB ? `${Math.ceil(bytes / MIB)} MiB` : `${bytes} bytes`;
}
