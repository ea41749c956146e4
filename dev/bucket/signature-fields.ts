import type { S3Request } from './request.ts';
import { accessDenied, S3Error } from './s3-error.ts';

/** What a request says about its signature, before any of it is believed. */
export interface Signature {
  readonly presigned: boolean;
  readonly accessKey: string;
  readonly scope: { readonly date: string; readonly region: string; readonly service: string };
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly timestamp: string;
  readonly signedAt: Date;
  readonly payload: string;
}

export const algorithm = 'AWS4-HMAC-SHA256';

/** The fields of the Authorization header. Throws what S3 answers when they are missing or malformed. */
export function readAuthorization(request: S3Request): Signature {
  const header = request.headers.get('authorization');
  if (header === undefined) throw accessDenied();
  if (!header.startsWith(`${algorithm} `)) {
    throw new S3Error(
      400,
      'InvalidRequest',
      `The authorization mechanism you have provided is not supported. Please use ${algorithm}.`,
    );
  }
  const fields = new Map(
    header
      .slice(algorithm.length)
      .split(',')
      .map((field) => splitOnce(field.trim(), '=')),
  );
  const payload = request.headers.get('x-amz-content-sha256');
  if (payload === undefined) {
    throw new S3Error(
      400,
      'InvalidRequest',
      'Missing required header for this request: x-amz-content-sha256',
    );
  }
  if (payload.startsWith('STREAMING-')) {
    throw new S3Error(501, 'NotImplemented', `The payload form ${payload} is not implemented.`);
  }
  if (payload !== 'UNSIGNED-PAYLOAD' && !/^[0-9a-f]{64}$/.test(payload)) {
    throw new S3Error(
      400,
      'InvalidArgument',
      'x-amz-content-sha256 must be UNSIGNED-PAYLOAD or a valid sha256 value.',
    );
  }
  return {
    presigned: false,
    ...readCredential(fields.get('Credential') ?? '', 'AuthorizationHeaderMalformed'),
    ...readTimestamp(request.headers.get('x-amz-date') ?? ''),
    signedHeaders: (fields.get('SignedHeaders') ?? '').split(';'),
    signature: fields.get('Signature') ?? '',
    payload,
  };
}

/** The fields of a presigned URL. */
export function readPresigned(request: S3Request): Signature {
  const { query } = request;
  if (query.get('X-Amz-Algorithm') !== algorithm) {
    throw malformedQuery(`X-Amz-Algorithm only supports "${algorithm}"`);
  }
  return {
    presigned: true,
    ...readCredential(query.get('X-Amz-Credential') ?? '', 'AuthorizationQueryParametersError'),
    ...readTimestamp(query.get('X-Amz-Date') ?? ''),
    signedHeaders: (query.get('X-Amz-SignedHeaders') ?? '').split(';'),
    signature: query.get('X-Amz-Signature') ?? '',
    payload: request.headers.get('x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD',
  };
}

function readCredential(credential: string, code: string): Pick<Signature, 'accessKey' | 'scope'> {
  const [accessKey, date, region, service, terminator, more] = credential.split('/');
  if (!accessKey || !date || !region || !service || terminator !== 'aws4_request' || more !== undefined) {
    throw new S3Error(
      400,
      code,
      'The Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    );
  }
  return { accessKey, scope: { date, region, service } };
}

function readTimestamp(timestamp: string): Pick<Signature, 'timestamp' | 'signedAt'> {
  const digits = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(timestamp);
  const [, year, month, day, hour, minute, second] = digits ?? [];
  const signedAt = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (digits === null || Number.isNaN(signedAt.getTime())) {
    throw accessDenied('AWS authentication requires a valid Date or x-amz-date header');
  }
  return { timestamp, signedAt };
}

export function malformedQuery(message: string): S3Error {
  return new S3Error(400, 'AuthorizationQueryParametersError', message);
}

function splitOnce(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}
