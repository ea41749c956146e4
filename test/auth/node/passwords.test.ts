import { describe, expect, it } from 'vitest';
import { createPasswords } from '../../../src/auth/node/passwords.ts';

const passwords = createPasswords();

describe('password hashes', () => {
  it('are argon2id with a salt of their own, and open to the right password alone', async () => {
    const [one, two] = [await passwords.hash('pässwörd 1'), await passwords.hash('pässwörd 1')];
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(one).not.toBe(two);
    expect(await passwords.verify('pässwörd 1', one)).toBe(true);
    expect(await passwords.verify('pässwörd 2', one)).toBe(false);
  });

  it('agree with the reference implementation', async () => {
    // From the tests of the argon2 library itself (phc-winner-argon2, src/test.c).
    const known = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
    expect(await passwords.verify('password', known)).toBe(true);
    expect(await passwords.verify('Password', known)).toBe(false);
  });

  it.each([null, '', 'plain', '$argon2id$v=19$m=1,t=1,p=1$$', '$2b$12$abcdefghijklmnopqrstuv'])(
    'that are %j open to nothing',
    async (hash) => {
      expect(await passwords.verify('', hash)).toBe(false);
      expect(await passwords.verify('anything', hash)).toBe(false);
    },
  );
});

it('takes a bounded number at once, in the order of their coming, and goes on afterwards', async () => {
  const passwords = createPasswords({ memory: 64, passes: 1 });
  const settled = await Promise.allSettled(
    Array.from({ length: 110 }, () => passwords.verify('guess', null)),
  );
  const refused = settled.filter(({ status }) => status === 'rejected');
  expect(refused).toHaveLength(8);
  expect(settled.at(-1)).toMatchObject({ reason: { code: 'rate_limited' } });
  expect(await passwords.verify('right', await passwords.hash('right'))).toBe(true);
});
