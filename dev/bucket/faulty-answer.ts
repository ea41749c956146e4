import type { Readable } from 'node:stream';
import { errorAnswer } from './answer.ts';
import type { Fault } from './faults.ts';
import type { Answer } from './operations/exchange.ts';
import { dropUpload } from './operations/uploads.ts';
import type { S3Request } from './request.ts';
import { accessDenied, noSuchUpload, S3Error } from './s3-error.ts';
import type { Bucket } from './store.ts';

/** The answer of a fault that keeps the operation from being performed. */
export async function insteadOf(
  buckets: ReadonlyMap<string, Bucket>,
  request: S3Request,
  fault: Fault | null,
  body: () => Readable,
): Promise<Answer | null> {
  switch (fault?.kind) {
    case 'status':
      if (!fault.early) await drain(body());
      throw faultError(fault);
    case 'proxy-page': {
      const { status, overBytes = -1, server = 'nginx/1.24.0' } = fault;
      if (Number(request.headers.get('content-length') ?? 0) <= overBytes) return null;
      await drain(body());
      const title = `${status} from a proxy`;
      const page = `<html><head><title>${title}</title></head><body><center><h1>${title}</h1></center></body></html>`;
      return {
        status,
        headers: { 'content-type': 'text/html', server },
        ...(request.method === 'HEAD' ? {} : { body: page }),
      };
    }
    case 'demand-header':
      if (request.headers.get(fault.name) === fault.value) return null;
      await drain(body());
      throw accessDenied();
    case 'garbage':
      await drain(body());
      return {
        status: 200,
        headers: { 'content-type': 'text/html' },
        body: '<!doctype html><title>Welcome<p>&nbsp;',
      };
    case 'error-in-200': {
      await drain(body());
      const error = errorAnswer(faultError({ ...fault, status: 200 }), request, 'fault');
      const text = typeof error.body === 'string' ? error.body : '';
      return { status: 200, headers: { 'content-type': 'application/xml' }, body: `  \n${text}` };
    }
    case 'lose-upload': {
      await drain(body());
      const bucket = buckets.get(request.bucket ?? '');
      const uploadId = request.query.get('uploadId') ?? '';
      const upload = bucket?.uploads.get(uploadId);
      if (bucket !== undefined && upload !== undefined) await dropUpload(bucket, upload);
      throw noSuchUpload(uploadId);
    }
    case 'pretend':
      await drain(body());
      return { status: request.method === 'DELETE' ? 204 : 200 };
    default:
      return null;
  }
}

async function drain(body: Readable): Promise<void> {
  for await (const _chunk of body);
}

export function faultError(fault: {
  readonly status: number;
  readonly code: string;
  readonly message?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly fields?: Readonly<Record<string, string>>;
}): S3Error {
  const { status, code, message = `Injected ${code}`, headers = {}, fields = {} } = fault;
  return new S3Error(status, code, message, { headers, fields });
}
