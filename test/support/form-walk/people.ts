import { LOGIN } from '../../../dev/fill/fill.ts';
import { newId } from '../../../src/ids.ts';
import { codeOf } from '../second-factor.ts';
import { type FormWalk, ODD } from './walk.ts';

/** What is one's own. */
export async function walkAccount(walk: FormWalk): Promise<void> {
  const { send, names } = walk;
  await send('/theme', { theme: 'dark', back: '/' });
  await send('/account/display', { timeZone: 'Europe/Berlin', theme: 'auto' });
  await send('/account/sessions/:sessionId/end');
  await send('/account/tokens/new', {
    ...{ name: ODD, role: 'viewer', access: 'full', where: 'all', expiresInDays: '9' },
  });
  await send('/account/tokens/:tokenId/revoke');
  await send(
    '/account/single-sign-on/:identityId/unlink',
    {},
    { 'single-sign-on': await identityOf(walk, names['admin'] ?? '') },
  );
  const mine = { currentPassword: LOGIN.password };
  const shown = await send('/account/second-factor', mine);
  const secret = /<code id="factor-secret">([A-Z2-7]{32})<\/code>/.exec(shown)?.[1] ?? '';
  await send('/account/second-factor/confirm', { code: codeOf(secret, new Date()) });
  await send('/account/second-factor/recovery-codes', mine);
  await send('/account/second-factor/remove', { ownPassword: LOGIN.password });
  await send('/notifications/preferences', { 'shown.system.backup_failed': 'true' });
  await send('/notifications/:notificationId/read');
  await send('/notifications/read-all');
  await send('/notifications/report/send');
  await send('/docs/:routeId', {}, { docs: 'get-auth-me' });
}

/** Users, service accounts and tokens. */
export async function walkPeople(walk: FormWalk): Promise<void> {
  const { send, filled, names } = walk;
  const password = 'a-long-new-password-4';
  await send('/admin/users/new', { email: 'new@example.com', name: ODD, role: 'viewer', password });
  await send('/admin/users/:userId', { email: 'other@example.com', name: ODD, role: 'operator' });
  await send('/admin/users/:userId/password', { newPassword: password });
  await send('/admin/users/:userId/second-factor/remove');
  const identity = { 'single-sign-on': await identityOf(walk, names['users'] ?? '') };
  await send('/admin/users/:userId/single-sign-on/:identityId/unlink', {}, identity);
  await send('/admin/service-accounts/new', { name: 'one-more', role: 'viewer', description: ODD });
  await send('/admin/service-accounts/:accountId', { role: 'operator', description: ODD });
  await send('/admin/tokens/new', {
    ...{ name: ODD, role: 'viewer', access: 'backups', where: 'all', expiresInDays: '9' },
    owner: `account:${names['service-accounts']}`,
  });
  const { id } = await filled.db.selectFrom('api_tokens').select('id').limit(1).executeTakeFirstOrThrow();
  await send('/admin/tokens/:tokenId/revoke', {}, { tokens: id });
}

/** Whom of a provider somebody may sign in as. */
async function identityOf({ filled }: FormWalk, userId: string): Promise<string> {
  const id = newId();
  const of = { issuer: 'https://127.0.0.1:9', subject: id, email: null, last_used_at: null };
  await filled.db
    .insertInto('oidc_identities')
    .values({ id, user_id: userId, ...of, created_at: new Date().toISOString() })
    .execute();
  return id;
}
