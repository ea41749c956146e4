import { afterEach, beforeEach, expect, it } from 'vitest';
import { changePassword } from '../../src/auth/change-password.ts';
import {
  beginSecondFactor,
  removeSecondFactor,
  renewRecoveryCodes,
} from '../../src/auth/change-second-factor.ts';
import { openTestApp, type TestApp } from '../support/app.ts';

const OLD = 'correct horse battery';
const GIVEN = 'given by an admin 9';
const TAKEN = 'of whoever had the old one';

let app: TestApp;
let userId: string;
beforeEach(async () => {
  app = await openTestApp();
  userId = app.userIds.operator;
});
afterEach(() => app.close());

/** Somebody who has the old password and a session, and whom an admin shuts out while the old password is looked at. */
function meanwhile(at: 'verify' | 'hash') {
  const { passwords } = app.services;
  const admin = { userId: app.userIds.admin, address: null, role: 'admin' as const };
  let isFirst = true;
  const shutOut = async () => {
    if (isFirst) await changePassword(app.services, admin, userId, { newPassword: GIVEN });
    isFirst = false;
  };
  const slow: typeof passwords = {
    ...passwords,
    async verify(password, hash) {
      const isRight = await passwords.verify(password, hash);
      if (at === 'verify') await shutOut();
      return isRight;
    },
    async hash(password) {
      if (at === 'hash') await shutOut();
      return passwords.hash(password);
    },
  };
  return { ...app.services, passwords: slow };
}

const actor = () => ({ userId, address: null, role: 'operator' as const });
const mayEnter = async (password: string) =>
  (
    await app.call('POST', '/api/auth/login', {
      token: null,
      body: { email: 'operator@example.com', password },
    })
  ).status === 200;
const refused = { code: 'unauthorized', message: 'Current password is incorrect' };

it.each(['verify', 'hash'] as const)(
  'a password that was replaced during the %s is not replaced again by whoever had it',
  async (at) => {
    const input = { currentPassword: OLD, newPassword: TAKEN };
    await expect(changePassword(meanwhile(at), actor(), userId, input)).rejects.toMatchObject(refused);
    expect([await mayEnter(TAKEN), await mayEnter(OLD), await mayEnter(GIVEN)]).toEqual([false, false, true]);
  },
);

it('a second factor stays as it is for whoever had a password that was replaced meanwhile', async () => {
  const own = { userId, currentPassword: OLD };
  const { db } = app.services;
  await expect(beginSecondFactor(meanwhile('verify'), actor(), own)).rejects.toMatchObject(refused);
  expect(await db.selectFrom('second_factors').select('id').execute()).toEqual([]);

  const again = { userId, currentPassword: GIVEN };
  const at = new Date().toISOString();
  const secret = await app.services.vault.seal('JBSWY3DPEHPK3PXP', `second_factor:${userId}:secret`);
  const values = { id: userId, secret, confirmed_at: at, last_step: null, created_at: at };
  await db.insertInto('second_factors').values(values).execute();
  await expect(removeSecondFactor(meanwhile('verify'), actor(), again)).rejects.toMatchObject(refused);
  await expect(renewRecoveryCodes(meanwhile('verify'), actor(), again)).rejects.toMatchObject(refused);
  expect(await db.selectFrom('second_factors').select('id').execute()).toEqual([{ id: userId }]);
  expect(await db.selectFrom('recovery_codes').selectAll().execute()).toEqual([]);
});
