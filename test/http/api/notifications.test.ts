import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { write } from '../../../src/db/write.ts';
import { recordEvent } from '../../../src/events/events.ts';
import { tellEvents } from '../../../src/notifications/tell.ts';
import { openTestApp, type TestApp } from '../../support/app.ts';

let app: TestApp;
let environmentId: string;

beforeAll(async () => {
  app = await openTestApp();
  const made = await app.call('POST', '/api/environments', { body: { name: 'Prod "ü" <b>' } });
  environmentId = made.body.environment.id;
  for (const name of ['one', 'two <script> 😀', 'three']) await fails(name);
});
afterAll(() => app.close());

let told = 0;

/** A backup of a database of that name failed, and people were told; no two at the same time, whose order is anybody's guess. */
async function fails(databaseName: string): Promise<void> {
  const { db } = app.services;
  told += 1;
  const at = new Date(app.services.now().getTime() + 1000 * told);
  const now = () => at;
  const data = { databaseName, backupId: 'b', step: 'dump', error: 'no "way"' };
  const event = { type: 'backup.failed', databaseId: databaseName, environmentId, data } as const;
  await write(db, (trx) => recordEvent(trx, event, now()));
  await tellEvents({ ...app.services, now });
}

const as = (role: 'admin' | 'operator' | 'viewer') => ({ token: app.tokens[role] });
const list = async (query = '', role: 'admin' | 'viewer' = 'viewer') =>
  (await app.call('GET', `/api/notifications${query}`, as(role))).body;
const unread = async (role: 'admin' | 'operator' | 'viewer') =>
  (await app.call('GET', '/api/notifications/unread-count', as(role))).body.count;

describe('one’s notifications', () => {
  it('are listed newest first with their type, by pages, and filtered', async () => {
    const { notifications, total } = await list();
    expect(total).toBe(3);
    expect(notifications[0]).toMatchObject({
      userId: app.userIds.viewer,
      typeId: 'system.backup_failed',
      title: 'Backup failed: three',
      message: 'Backup failed for database "three": no "way"',
      environmentId,
      inAppReadAt: null,
      emailSentAt: null,
      webhookSentAt: null,
      type: { code: 'system.backup_failed', category: 'system', severity: 'critical' },
    });
    expect(JSON.parse(notifications[0].data).error).toBe('no "way"');
    expect(JSON.parse(notifications[0].type.defaultChannels)).toEqual(['in_app', 'email', 'webhook']);
    const page = await list('?limit=1&offset=1');
    expect([page.total, page.notifications.length]).toEqual([3, 1]);
    expect((await list('?limit=0')).notifications).toEqual([]);
    expect((await list(`?environmentId=${environmentId}&category=system`)).total).toBe(3);
    expect((await list('?category=drill')).total).toBe(0);
    expect((await list('?category=%3Cb%3E')).total).toBe(0);
    expect((await list('?environmentId=other')).total).toBe(0);
    expect((await app.call('GET', '/api/notifications?limit=x')).status).toBe(400);
  });

  it('are read one by one and all at once, each by their own user', async () => {
    const [{ id }] = (await list()).notifications;
    const other = await app.call('POST', `/api/notifications/${id}/read`, as('operator'));
    expect([other.status, other.body.message]).toEqual([404, 'Notification not found']);
    const read = await app.call('POST', `/api/notifications/${id}/read`, as('viewer'));
    const { inAppReadAt } = read.body.notification;
    expect(inAppReadAt).not.toBeNull();
    const again = await app.call('POST', `/api/notifications/${id}/read`, as('viewer'));
    expect(again.body.notification.inAppReadAt).toBe(inAppReadAt);
    expect(await unread('viewer')).toBe(2);
    expect((await list('?unreadOnly=true')).total).toBe(2);
    const all = await app.call('POST', '/api/notifications/read-all', as('viewer'));
    expect(all.body).toEqual({ count: 2 });
    expect([await unread('viewer'), await unread('operator')]).toEqual([0, 3]);
  });
});

describe('what one is told', () => {
  const path = '/api/notifications/preferences';

  it('is what each type says until one says otherwise', async () => {
    const { preferences } = (await app.call('GET', path, as('viewer'))).body;
    const failed = preferences.find((entry: { typeId: string }) => entry.typeId === 'system.backup_failed');
    expect(failed).toMatchObject({ inAppEnabled: true, emailEnabled: true, environmentIds: null });
    const body = { inAppEnabled: false, environmentIds: [environmentId] };
    const put = await app.call('PUT', `${path}/system.backup_failed`, { ...as('viewer'), body });
    expect(put.body.preference).toMatchObject({ emailEnabled: true, ...body });
    await fails('four');
    expect([(await list()).total, await unread('admin')]).toEqual([3, 4]);
  });

  it('is refused where it is none: another type, one for admins, another kind of value, a service account’s', async () => {
    const put = (type: string, body: object, token = app.tokens.viewer) =>
      app.call('PUT', `${path}/${type}`, { token, body });
    expect((await put('nonsense', {})).status).toBe(404);
    expect((await put('system.channel_failed', {})).status).toBe(404);
    expect((await put('system.channel_failed', {}, app.tokens.admin)).status).toBe(200);
    expect((await put('drill.failed', { emailEnabled: 'true' })).status).toBe(400);
    const account = { name: 'robot', role: 'admin' };
    const { serviceAccount } = (await app.call('POST', '/api/admin/service-accounts', { body: account }))
      .body;
    const wanted = { name: 't', role: 'admin', allEnvironments: true, expiresInDays: 1 };
    const owner = { ownerServiceAccountId: serviceAccount.id };
    const made = await app.call('POST', '/api/admin/tokens', { body: { ...wanted, ...owner } });
    expect((await put('drill.failed', {}, made.body.token)).status).toBe(403);
    expect((await app.call('GET', '/api/notifications', { token: made.body.token })).body.total).toBe(0);
  });
});

describe('the types', () => {
  const path = '/api/admin/notification-types';

  it('are an admin’s to see and to change within bounds', async () => {
    expect((await app.call('GET', path, as('operator'))).status).toBe(403);
    const { types } = (await app.call('GET', path)).body;
    expect(types.map(({ code }: { code: string }) => code)).toEqual(
      expect.arrayContaining([
        ...['system.backup_failed', 'system.backup_success', 'backup.rotation_error'],
        'backup.policy_first_prune',
      ]),
    );
    const body = { defaultChannels: ['webhook', 'in_app'], bounceThreshold: 3, bounceCooldown: 60 };
    const put = await app.call('PUT', `${path}/drill.failed`, { body });
    expect(put.body.type).toMatchObject({
      ...{ bounceThreshold: 3, bounceCooldown: 60, enabled: true },
      defaultChannels: '["in_app","webhook"]',
    });
    const refused = [
      ...[{ bounceThreshold: 0 }, { bounceThreshold: 101 }, { bounceCooldown: 59 }],
      ...[{ bounceCooldown: 86_401 }, { defaultChannels: ['pigeon'] }, { enabled: 1 }],
    ];
    for (const change of refused) {
      expect([change, (await app.call('PUT', `${path}/drill.failed`, { body: change })).status]).toEqual([
        change,
        400,
      ]);
    }
    const unknown = await app.call('PUT', `${path}/nonsense`, { body: {} });
    expect([unknown.status, unknown.body.message]).toEqual([404, 'Notification type not found']);
  });
});
