import type { Context } from 'hono';

/** The part of a list that `?offset=` asks for; what is no number is the beginning. */
export function pageOf(c: Context, limit: number): { readonly limit: number; readonly offset: number } {
  const offset = c.req.query('offset') ?? '';
  return { limit, offset: /^\d{1,9}$/.test(offset) ? Number(offset) : 0 };
}
