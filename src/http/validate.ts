import { zValidator } from '@hono/zod-validator';
import { createMiddleware } from 'hono/factory';
import type * as z from 'zod';
import { AppError } from '../errors.ts';

/** An absent or empty body is `{}`, also with a JSON content type. */
export const emptyBodyIsObject = createMiddleware(async (c, next) => {
  const text = await c.req.text();
  if (text.trim() === '') {
    const headers = new Headers(c.req.raw.headers);
    headers.set('content-type', 'application/json');
    headers.delete('content-length');
    headers.delete('transfer-encoding');
    c.req.raw = new Request(c.req.raw.url, {
      method: c.req.raw.method,
      headers,
      body: '{}',
      signal: c.req.raw.signal,
    });
    c.req.bodyCache = {};
  }
  await next();
});

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

async function jsonObject(request: { json(): Promise<unknown> }): Promise<object> {
  try {
    const body = await request.json();
    return typeof body === 'object' && body !== null ? body : {};
  } catch {
    // Not JSON: the validation that follows says so.
    return {};
  }
}
