import { zValidator } from '@hono/zod-validator';
import { createMiddleware } from 'hono/factory';
import type * as z from 'zod';
import { AppError } from '../errors.ts';

const JSON_TYPE = /^application\/([\w.-]+\+)?json$/;

/**
 * An absent or empty body is `{}`, also with a JSON content type. A body that is not what it claims to be (compressed,
 * not UTF-8, a form) is refused by name, since reading it as nothing would quietly do nothing. Throws `invalid`.
 */
export const readableBody = createMiddleware(async (c, next) => {
  const bytes = await c.req.arrayBuffer();
  const isEmpty = isBlank(bytes);
  c.set('isBodyEmpty', isEmpty);
  if (!isEmpty) refuseUnreadable(c.req.raw.headers, bytes);
  if (isEmpty || c.req.header('content-type') === undefined) {
    const headers = new Headers(c.req.raw.headers);
    headers.set('content-type', 'application/json');
    headers.delete('content-length');
    headers.delete('transfer-encoding');
    c.req.raw = new Request(c.req.raw.url, {
      method: c.req.raw.method,
      headers,
      body: isEmpty ? '{}' : bytes,
      signal: c.req.raw.signal,
    });
    c.req.bodyCache = {};
  }
  await next();
});

function refuseUnreadable(headers: Headers, bytes: ArrayBuffer): void {
  const encoding = headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity';
  if (encoding !== 'identity') {
    throw new AppError(
      'invalid',
      `The body has the Content-Encoding ${quoted(encoding)}. Send it uncompressed.`,
    );
  }
  const [type = '', ...parameters] = (headers.get('content-type') ?? 'application/json')
    .toLowerCase()
    .split(';');
  if (!JSON_TYPE.test(type.trim())) {
    throw new AppError(
      'invalid',
      `The body has the Content-Type ${quoted(type.trim())}, which is not read here. Send JSON, as application/json.`,
    );
  }
  const charset = parameters.find((parameter) => parameter.trim().startsWith('charset='))?.split('=')[1];
  const isUtf8 = charset === undefined || /^"?utf-?8"?$/.test(charset.trim());
  if (isUtf8 && isWellFormed(bytes)) return;
  throw new AppError('invalid', 'The body is not text in UTF-8. Send JSON in UTF-8.');
}

function isWellFormed(bytes: ArrayBuffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function isBlank(bytes: ArrayBuffer): boolean {
  return new Uint8Array(bytes).every((byte) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d));
}

/** What a header said, cut to a length that fits a sentence. */
function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}

/** Refuses fields that only the server sets, before anything else is looked at. Throws `readonly_field`. */
export function refuseReadonly(fields: readonly string[]) {
  return createMiddleware(async (c, next) => {
    const field = Object.keys(await jsonObject(c.req)).find((name) => fields.includes(name));
    if (field !== undefined) {
      throw new AppError('readonly_field', `Field "${field}" is read-only`, {
        details: { field, hint: 'It is set by the server. Leave it out of the request.' },
      });
    }
    await next();
  });
}

/** Throws `invalid` with the issues of the schema; malformed JSON is refused by Hono with 400. */
export function validate(target: 'json' | 'query', schema: z.ZodType) {
  return zValidator(target, schema, (result) => {
    if (result.success) return;
    const issues = result.error.issues.map(({ path, message, code }) => ({ path, message, code }));
    throw new AppError('invalid', 'Invalid input', { details: { issues } });
  });
}

/** Half a surrogate pair can be written in JSON, but in no file, hash, header or database. Throws `invalid`, naming the place. */
export const refuseBrokenUnicode = createMiddleware(async (c, next) => {
  const path = brokenText(await jsonObject(c.req));
  if (path !== undefined) {
    const issues = [{ path, message: 'Must be valid Unicode', code: 'custom' }];
    throw new AppError('invalid', 'Invalid input', { details: { issues } });
  }
  await next();
});

/** Where the first text lies that is not well-formed, be it a value or a key; undefined where all is. */
function brokenText(root: unknown): readonly string[] | undefined {
  // A list of what is left instead of recursion: a body may nest as deeply as it likes.
  const left: { readonly value: unknown; readonly path: readonly string[] }[] = [{ value: root, path: [] }];
  for (let item = left.pop(); item !== undefined; item = left.pop()) {
    const { value, path } = item;
    if (typeof value === 'string' && !value.isWellFormed()) return path;
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, entry] of Object.entries(value)) {
      if (!key.isWellFormed()) return [...path, key.toWellFormed()];
      left.push({ value: entry, path: path.length < MAX_PATH ? [...path, key] : path });
    }
  }
  return undefined;
}

const MAX_PATH = 20;

async function jsonObject(request: { json(): Promise<unknown> }): Promise<object> {
  try {
    const body = await request.json();
    return typeof body === 'object' && body !== null ? body : {};
  } catch {
    // Not JSON: the validation that follows says so.
    return {};
  }
}
