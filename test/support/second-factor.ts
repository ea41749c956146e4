import { Secret, TOTP } from 'otpauth';
import type { TestApp } from './app.ts';

/** The code that an authenticator app shows for that secret at that time. */
export function codeOf(secret: string, at: Date): string {
  return new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: at.getTime() });
}

/** Of a person of the app, by their session. */
export async function setUpFactor(app: TestApp, role: keyof TestApp['tokens'], password: string) {
  const path = `/api/users/${app.userIds[role]}/second-factor`;
  const as = { token: app.tokens[role] };
  const begun = await app.call('POST', path, { ...as, body: { currentPassword: password } });
  if (begun.status !== 200) throw new Error(`could not begin: ${begun.body.message}`);
  const secret: string = begun.body.secret;
  const code = codeOf(secret, app.services.now());
  const confirmed = await app.call('POST', `${path}/confirm`, { ...as, body: { code } });
  if (confirmed.status !== 200) throw new Error(`could not confirm: ${confirmed.body.message}`);
  const recoveryCodes: readonly string[] = confirmed.body.recoveryCodes;
  return { secret, recoveryCodes, path };
}
