import type { Context } from 'hono';

/**
 * Sets headers of an answer that is there already, in place: `c.header` makes a new Response of it for each, which
 * then no longer goes the server's short way.
 */
export function setHeaders(c: Context, headers: Readonly<Record<string, string>>): void {
  const { headers: present } = c.res;
  for (const [name, value] of Object.entries(headers)) present.set(name, value);
}
