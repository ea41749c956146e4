import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestApp, type TestApp } from '../../support/app.ts';
import { MAIL_LOGIN, type MailTestServer, startMailServer } from '../../support/mail-server.ts';

let app: TestApp;
let server: MailTestServer;

beforeAll(async () => {
  [app, server] = [await openTestApp(), await startMailServer()];
});
afterAll(async () => {
  await app.close();
  await server.close();
});

const path = '/api/settings/smtp';
const input = () => ({ host: '127.0.0.1', port: server.port, security: 'none', sender: 'app@example.com' });
const put = (body: object) => app.call('PUT', path, { body });
const issueOf = (body: { details: { path: string[]; message: string }[] }) => body.details[0];

describe('the mail server', () => {
  it('is kept once it has taken a test mail to whoever enters it', async () => {
    const saved = await put(input());
    expect(saved.body.smtp).toMatchObject({
      ...input(),
      username: null,
      hasPassword: false,
      lastError: null,
    });
    expect(server.mails.splice(0)).toMatchObject([{ to: ['admin@example.com'], from: 'app@example.com' }]);
    expect((await app.call('GET', path)).body.smtp.lastOkAt).not.toBeNull();
    server.refuse({ mail: 'not today', code: 554 });
    const refused = await put({ ...input(), sender: 'other@example.com' });
    expect(refused.status).toBe(400);
    expect(issueOf(refused.body)).toMatchObject({
      path: ['host'],
      message: expect.stringContaining('not today'),
    });
    expect((await app.call('GET', path)).body.smtp.sender).toBe('app@example.com');
    const anyway = await put({ ...input(), sender: 'other@example.com', saveAnyway: true });
    expect(anyway.body.smtp).toMatchObject({ sender: 'other@example.com', lastError: expect.any(String) });
    const tested = await app.call('POST', `${path}/test`);
    expect(tested.body).toMatchObject({ success: false, error: expect.stringContaining('not today') });
    server.refuse(null);
    expect((await app.call('POST', `${path}/test`)).body).toEqual({ success: true });
  });

  it('gets no password in the clear, nor one that was given for another', async () => {
    const clear = await put({ ...input(), ...MAIL_LOGIN });
    expect(issueOf(clear.body)).toMatchObject({ path: ['security'] });
    const tls = { ...input(), security: 'starttls', ...MAIL_LOGIN, saveAnyway: true };
    expect((await put(tls)).body.smtp).toMatchObject({ hasPassword: true, username: MAIL_LOGIN.username });
    const { password: _, ...without } = tls;
    for (const change of [
      { host: 'elsewhere.example' },
      { port: 2525 },
      { username: 'other' },
      { security: 'tls' },
    ]) {
      const { status, body } = await put({ ...without, ...change });
      expect([change, status, issueOf(body)?.path]).toEqual([change, 400, ['password']]);
    }
    expect((await put(without)).body.smtp.hasPassword).toBe(true);
    const shown = await app.call('GET', path);
    expect(JSON.stringify(shown.body)).not.toContain(MAIL_LOGIN.password);
  });

  it('refuses what is no server, and who is no admin', async () => {
    const bad = [
      ...[
        { host: '' },
        { host: 'a b' },
        { host: 'x\r\ny' },
        { port: 0 },
        { port: '25' },
        { security: 'ssl' },
      ],
      ...[{ sender: 'x' }, { sender: 'a@example.com\r\nBcc: b@example.com' }, { username: 'a\nb' }],
    ];
    for (const change of bad)
      expect([change, (await put({ ...input(), ...change })).status]).toEqual([change, 400]);
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const call = await app.call(method, path, { token: app.tokens.operator, body: input() });
      expect([method, call.status]).toEqual([method, 403]);
    }
    expect((await app.call('GET', '/api/admin/deliveries')).body).toEqual({ deliveries: [], total: 0 });
    const at = '2026-02-25T10:00:00.000Z';
    const sent = {
      target_id: 'x',
      event: 'system.backup_failed',
      body: null,
      claimed_by: null,
      lease_until: null,
    };
    await app.services.db
      .insertInto('deliveries')
      .values([
        {
          ...{
            ...sent,
            id: 'd1',
            way: 'email',
            recipient: 'a+"x"@example.com',
            status: 'delivered',
            attempts: 1,
          },
          ...{ next_try_at: null, last_error: null, response_status: null, created_at: at, delivered_at: at },
        },
        {
          ...{ ...sent, id: 'd2', way: 'channel', recipient: 'Chat <b> 😀', status: 'pending', attempts: 3 },
          ...{ next_try_at: '2026-02-25T10:02:00.000Z', last_error: 'answered 502', response_status: 502 },
          ...{ created_at: '2026-02-25T10:01:00.000Z', delivered_at: null },
        },
      ])
      .execute();
    const log = (await app.call('GET', '/api/admin/deliveries')).body;
    expect(log.total).toBe(2);
    expect(log.deliveries).toMatchObject([
      {
        ...{ id: 'd2', recipient: 'Chat <b> 😀', status: 'pending', attempts: 3, lastError: 'answered 502' },
        nextAttemptAt: '2026-02-25T10:02:00.000Z',
      },
      { id: 'd1', recipient: 'a+"x"@example.com', status: 'delivered', attempts: 1, deliveredAt: at },
    ]);
    expect((await app.call('DELETE', path)).body).toEqual({ success: true });
    expect((await app.call('GET', path)).body.smtp).toBeNull();
    expect((await app.call('POST', `${path}/test`)).status).toBe(404);
  });
});
