import { attachment } from '../../content-disposition.ts';
import type { PutOptions } from '../object-store.ts';
import { TOKEN_HEADER } from './head.ts';
import type { S3Settings } from './settings.ts';

/** An object's address in an account. */
export interface Target {
  readonly bucket: string;
  readonly key: string;
}

/** Headers that are stored with an object. Never Content-Encoding: clients would decode the dump on the way. */
export function objectHeaders(options: PutOptions, settings: S3Settings): Record<string, string> {
  return {
    'content-type': options.contentType,
    'content-disposition': attachment(options.fileName),
    [TOKEN_HEADER]: options.token,
    ...encryptionHeaders(settings),
  };
}

/** What the admin chose that the provider encrypts with; buckets may refuse a PUT that does not ask for it. */
export function encryptionHeaders({ encryption }: S3Settings): Record<string, string> {
  if (!encryption) return {};
  return {
    'x-amz-server-side-encryption': encryption.algorithm,
    ...(encryption.keyId === null ? {} : { 'x-amz-server-side-encryption-aws-kms-key-id': encryption.keyId }),
  };
}
