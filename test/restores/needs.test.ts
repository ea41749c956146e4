import { expect, it } from 'vitest';
import { needsOf } from '../../src/restores/needs.ts';

it('asks for all that was noted of a dump, but for the role that a policy without roles was once read as', () => {
  expect(needsOf(null)).toBeNull();
  expect(needsOf({ extensions: ['pg_trgm'], roles: ['CREATE', 'Bob "x"', 'create'] })).toEqual({
    extensions: ['pg_trgm'],
    roles: ['Bob "x"', 'create'],
  });
});
