import { createPrivateKey } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestApp, type TestApp } from '../../support/app.ts';
import { newSshKeys } from '../../support/ssh-key.ts';

let app: TestApp;
beforeEach(async () => {
  app = await openTestApp();
});
afterEach(() => app.close());

const HOSTILE = `pröd '; rm -rf / #\u{1f512} $(id)`;

const create = async (name = 'production'): Promise<string> =>
  (await app.call('POST', '/api/environments', { body: { name } })).body.environment.id;
const make = (id: string, body: object = {}, token?: string) =>
  app.call('POST', `/api/environments/${id}/ssh-key`, { body, ...(token === undefined ? {} : { token }) });
const reveal = async (id: string): Promise<string> =>
  (await app.call('GET', `/api/environments/${id}/ssh-key`)).body.privateKey;

describe('an SSH key made here', () => {
  it('is answered by its public half alone, stored sealed, and told to the audit', async () => {
    const id = await create();
    const { status, body } = await make(id, { sshUser: 'backup' });
    expect(status).toBe(200);
    expect(body).toEqual({
      publicKey: expect.stringMatching(
        /^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[\w+/]{43} bridgeport-production$/,
      ),
      authorizedKeysLine: `restrict ${body.publicKey}`,
      fingerprint: expect.stringMatching(/^SHA256:[\w+/]{43}$/),
      username: 'backup',
    });
    expect((await app.call('GET', `/api/environments/${id}/ssh-key/public`)).body).toEqual(body);
    const row = await app.services.db
      .selectFrom('environments')
      .select(['ssh_private_key', 'ssh_user'])
      .executeTakeFirstOrThrow();
    expect(row).toEqual({ ssh_private_key: expect.stringMatching(/^v1\./), ssh_user: 'backup' });
    const { details } = await app.services.db
      .selectFrom('audit_logs')
      .select('details')
      .where('action', '=', 'update')
      .executeTakeFirstOrThrow();
    expect(JSON.parse(details ?? '')).toEqual({
      sshKey: 'made',
      fingerprint: body.fingerprint,
      sshUser: 'backup',
      replaced: null,
    });
    const [, secret = ''] = (await reveal(id)).split('\n');
    expect(secret).toHaveLength(70);
    expect(JSON.stringify([body, details, app.log])).not.toContain(secret);
  });

  it('takes the place of another only where that is named, by one of two at once', async () => {
    const id = await create();
    const pasted = newSshKeys();
    await app.call('PUT', `/api/environments/${id}/ssh`, { body: { sshPrivateKey: pasted.private } });
    const refused = await make(id);
    const present = (await app.call('GET', `/api/environments/${id}/ssh-key/public`)).body;
    expect(pasted.public.trim()).toBe(present.publicKey.split(' ').slice(0, 2).join(' '));
    expect([refused.status, refused.body.code]).toEqual([409, 'CONFLICT']);
    expect(refused.body.message).toContain(present.fingerprint);
    expect((await make(id, { replaces: 'SHA256:another' })).status).toBe(409);
    expect(await reveal(id)).toBe(pasted.private);

    const body = { replaces: present.fingerprint };
    const both = await Promise.all([make(id, body), make(id, body)]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
    const made = both.find(({ status }) => status === 200);
    expect((await app.call('GET', `/api/environments/${id}/ssh-key/public`)).body).toEqual(made?.body);
  });

  it('keeps the user of the environment, and refuses one that is none', async () => {
    const id = await create();
    await app.call('PATCH', `/api/environments/${id}/settings/general`, { body: { sshUser: 'borg' } });
    expect((await make(id, { sshUser: '-oProxyCommand=x' })).status).toBe(400);
    expect((await make(id)).body.username).toBe('borg');
  });

  it('has a comment that no shell and no sshd reads anything in', async () => {
    const { body } = await make(await create(HOSTILE));
    expect(body.authorizedKeysLine).toMatch(/^restrict ssh-ed25519 [\w+/=]+ bridgeport-pr_d_rm_-rf_id_$/);
  });

  it('is made by admins, its line read by operators', async () => {
    const id = await create();
    expect((await make(id, {}, app.tokens.operator)).status).toBe(403);
    const read = (token: string) => app.call('GET', `/api/environments/${id}/ssh-key/public`, { token });
    expect((await read(app.tokens.operator)).status).toBe(404);
    await make(id);
    expect((await read(app.tokens.operator)).status).toBe(200);
    expect((await read(app.tokens.viewer)).status).toBe(403);
    expect((await make('nowhere')).status).toBe(404);
  });

  it('is said to be unreadable where it is, and stays', async () => {
    const id = await create();
    await make(id);
    await app.services.db.updateTable('environments').set({ ssh_private_key: 'v1.broken' }).execute();
    for (const answer of [
      await make(id, { replaces: 'SHA256:x' }),
      await app.call('GET', `/api/environments/${id}/ssh-key/public`),
    ]) {
      expect([answer.status, answer.body.message]).toEqual([409, expect.stringContaining("can't be opened")]);
    }
  });

  it('is a key that others than ssh2 read', async () => {
    const id = await create();
    const { body } = await make(id);
    const [, blob = ''] = body.publicKey.split(' ');
    const x = Buffer.from(blob, 'base64').subarray(-32).toString('base64url');
    // OpenSSH's format ends with the seed, the public half again, the empty comment and the padding.
    const inner = Buffer.from((await reveal(id)).replaceAll(/-----.*-----|\n/g, ''), 'base64');
    const at = inner.lastIndexOf(Buffer.from(x, 'base64url'));
    const d = inner.subarray(at - 32, at).toString('base64url');
    const key = createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', d, x }, format: 'jwk' });
    expect(key.export({ format: 'jwk' }).x).toBe(x);
  });
});
