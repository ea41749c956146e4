import type { Context } from 'hono';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { type ApiEnv, answerBy, publicRoute, route } from '../../src/http/route.ts';

const declared = { method: 'GET', path: '/api/things/:id', summary: 'One thing' } as const;
const answer = z.object({
  name: z.string(),
  state: z.enum(['new', 'old']),
  sizes: z.array(z.number()).optional(),
});

/** What is tested is what the compiler takes and refuses: `tsc` reads this file. */
describe('the declared answer of a route', () => {
  it('takes what the schema says, also as what nobody may change, and a whole response', () => {
    const sizes: readonly number[] = [1, 2];
    const routes = [
      route({
        ...declared,
        access: 'viewer',
        answer,
        handle: async () => ({ name: 'a', state: 'new', sizes }),
      }),
      route({ ...declared, access: 'viewer', answer, handle: async () => new Response('whole') }),
      publicRoute({ ...declared, answer, handle: async ({ params }) => ({ name: params.id, state: 'old' }) }),
    ];
    expect(routes.map(({ access }) => access)).toEqual(['viewer', 'viewer', 'public']);
  });

  it('refuses a handler that gives another type, lacks a field, or does not say what it gives', () => {
    const routes = [
      // @ts-expect-error: a number is no name
      route({ ...declared, access: 'viewer', answer, handle: async () => ({ name: 1, state: 'new' }) }),
      // @ts-expect-error: no state
      route({ ...declared, access: 'viewer', answer, handle: async () => ({ name: 'a' }) }),
      // @ts-expect-error: a state that is not declared
      publicRoute({ ...declared, answer, handle: async () => ({ name: 'a', state: 'lost' }) }),
      // @ts-expect-error: anything
      publicRoute({ ...declared, answer, handle: async (): Promise<object> => ({}) }),
    ];
    expect(routes.length).toBe(4);
  });

  it('is of its own shape by another status too', () => {
    const given = { name: 'a', state: 'new' } as const;
    const handlers: readonly ((request: { readonly c: Context<ApiEnv> }) => Response)[] = [
      ({ c }) => answerBy<typeof answer>(c, 202, given),
      // @ts-expect-error: no state
      ({ c }) => answerBy<typeof answer>(c, 409, { name: 'a' }),
      // @ts-expect-error: nothing says which shape
      ({ c }) => answerBy(c, 400, given),
    ];
    expect(handlers).toHaveLength(3);
  });
});
