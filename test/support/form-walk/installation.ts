import { LOGIN } from '../../../dev/fill/fill.ts';
import { otherDatabases } from './backups.ts';
import { type Fields, type FormWalk, ODD } from './walk.ts';

/** Storage, notifications and settings. */
export async function walkInstallation(walk: FormWalk): Promise<void> {
  const { send, ids } = walk;
  await send('/admin/storage/environments/:environmentId', { enabled: 'true' });
  await send('/admin/storage/edit', {
    ...{ provider: 'minio', endpoint: '127.0.0.1:9', region: 'eu-central-1', encryption: 'none' },
    ...{ accessKey: 'AKIAFILLED', secretKey: 'secret/key', buckets: 'prod-backups', saveAnyway: 'true' },
  });
  await send('/admin/storage/deep-test');
  await send('/admin/storage/deep-test/card');
  await send('/admin/storage/probe');
  await send('/admin/storage/probe/card');
  await send('/admin/storage/test');
  await send('/admin/storage/test/result');
  await send('/admin/system/preview', await valuesAt(walk, '/admin/system'));
  await send('/admin/system', await valuesAt(walk, '/admin/system'));
  await send('/admin/system/single-sign-on', {
    ...{ issuer: 'https://127.0.0.1:9', clientId: ODD, clientSecret: 'secret', scopes: 'openid email' },
    ...{ name: 'us', roleClaim: 'groups', adminValues: 'a', others: 'refused', saveAnyway: 'true' },
  });
  await send('/admin/system/single-sign-on/test');
  await send('/account/single-sign-on/link', { ownPassword: LOGIN.password });
  await send('/admin/system/single-sign-on/delete');
  await send('/admin/master-key/confirm');
  await send('/next-steps/hide');
  await send('/notifications/types/:typeId', {
    ...{ enabled: 'true', in_app: 'true', bounceEnabled: 'true', bounceThreshold: '1', cooldownMinutes: '5' },
  });
  const channel = { kind: 'slack', name: ODD, url: 'https://127.0.0.1:9/x', leastSeverity: 'warning' };
  await send('/notifications/channels', { ...channel, saveAnyway: 'true' });
  await send('/notifications/channels/:channelId', { ...channel, saveAnyway: 'true' });
  await send('/notifications/channels/:channelId/test');
  const mail = {
    host: '127.0.0.1',
    port: '9',
    security: 'none',
    sender: 'b@example.com',
    saveAnyway: 'true',
  };
  await send('/notifications/channels/mail', mail);
  await send('/notifications/channels/mail/test');
  await send('/notifications/channels/mail/delete');
  const hook = { environmentId: ids.environment, url: 'https://127.0.0.1:9/x', completed: 'true' };
  await send('/notifications/webhooks', hook);
  await send('/notifications/webhooks/:webhookId/test', { environmentId: ids.environment });
  await send('/notifications/webhooks/:webhookId/delete', { environmentId: ids.environment });
}

/** Last, the largest of all at the end. */
export async function walkRemovals(walk: FormWalk): Promise<void> {
  const { send, filled } = walk;
  await send('/schedules/rules/:ruleId/delete');
  await send('/databases/:databaseId/schedule/delete');
  await send('/notifications/channels/:channelId/delete');
  await send('/admin/service-accounts/:accountId/delete');
  await send('/admin/users/:userId/delete');
  await send('/environments/:environmentId/settings/ssh/remove');
  await send('/admin/system/reset', { confirm: 'true' });
  await send('/admin/storage/delete');
  const [other = ''] = await otherDatabases(walk);
  const { name } = await filled.db
    .selectFrom('databases')
    .select('name')
    .where('id', '=', other)
    .executeTakeFirstOrThrow();
  await send('/databases/:databaseId/delete', { files: 'keep', name }, { databases: other });
  const over = { state: 'failed', ended_at: '2026-01-01T00:00:00.000Z' } as const;
  await filled.db.updateTable('runs').set(over).where('state', 'in', ['pending', 'running']).execute();
  const failed = filled.db.updateTable('backups').set({ status: 'failed' });
  for (const status of ['pending', 'in_progress'] as const)
    await failed.where('status', '=', status).execute();
  await send('/environments/:environmentId/delete');
  await send('/login', LOGIN);
  await send('/account/password', { currentPassword: LOGIN.password, newPassword: `${LOGIN.password}-2` });
  await send('/logout');
}

/** What the fields of the page hold. */
async function valuesAt({ filled }: FormWalk, path: string): Promise<Fields> {
  const html = await (await filled.ask(path)).text();
  const inputs = [...html.matchAll(/<input(?=[^>]* name="([^"]+)")(?=[^>]* value="([^"]*)")[^>]*>/g)];
  const selects = [...html.matchAll(/<select[^>]* name="([^"]+)".*?<\/select>/gs)];
  return Object.fromEntries([
    ...inputs.map(([, name = '', value = '']) => [name, value] as const),
    ...selects.map(([all, name = '']) => {
      const chosen =
        /<option(?=[^>]* value="([^"]*)")[^>]* selected/.exec(all) ?? /value="([^"]*)"/.exec(all);
      return [name, chosen?.[1] ?? ''] as const;
    }),
  ]);
}
