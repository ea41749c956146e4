import type { PutOptions } from '../object-store.ts';
import { attachment } from './disposition.ts';
import { TOKEN_HEADER } from './head.ts';

/** An object's address in an account. */
export interface Target {
  readonly bucket: string;
  readonly key: string;
}

/** Headers that are stored with an object. Never Content-Encoding: clients would decode the dump on the way. */
export function objectHeaders(options: PutOptions): Record<string, string> {
  return {
    'content-type': options.contentType,
    'content-disposition': attachment(options.fileName),
    [TOKEN_HEADER]: options.token,
  };
}
