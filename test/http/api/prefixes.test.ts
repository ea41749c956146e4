import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backupFileName } from '../../../src/databases/file-name.ts';
import { checkKey } from '../../../src/object-stores/s3/keys.ts';
import { openTestApp, type TestApp } from '../../support/app.ts';

let app: TestApp;
const environments: Record<string, string> = {};
beforeEach(async () => {
  app = await openTestApp();
  for (const name of ['production', 'staging']) {
    const { body } = await app.call('POST', '/api/environments', { body: { name } });
    environments[name] = body.environment.id;
  }
});
afterEach(() => app.close());

const create = async (name: string, body: object = {}, environment = 'production') =>
  (
    await app.call('POST', `/api/environments/${environments[environment]}/databases`, {
      body: { name, type: 'postgres', backupStorageType: 'spaces', backupSpacesBucket: 'backups', ...body },
    })
  ).body;
const change = async (id: string, body: object) => app.call('PATCH', `/api/databases/${id}`, { body });

describe('the prefix of a database', () => {
  it('is made of environment and name at creation, unless one is given', async () => {
    expect((await create('appdb')).database.backupSpacesPrefix).toBe('production/appdb/');
    expect((await create('mine', { backupSpacesPrefix: 'own/' })).database.backupSpacesPrefix).toBe('own/');
  });

  it('is made when a database moves to a bucket, and stays when the database is renamed', async () => {
    const { database } = await create('appdb', { backupStorageType: 'local' });
    expect(database.backupSpacesPrefix).toBeNull();
    const moved = await change(database.id, { backupStorageType: 'spaces' });
    expect(moved.body.database.backupSpacesPrefix).toBe('production/appdb/');
    const renamed = await change(database.id, { name: 'orders' });
    expect(renamed.body.database.backupSpacesPrefix).toBe('production/appdb/');
  });

  it.each([
    ['a/../b/', 'segments'],
    ['./a/', 'segments'],
    ['..', 'segments'],
    ['/a/', 'begin with /'],
    ['a\\b/', 'backslashes'],
    ['a\u0000b/', 'control characters'],
    ['a\nb/', 'control characters'],
    ['a\uffffb/', 'U+FFFF'],
    ['é'.repeat(423), '844 bytes'],
    ['a'.repeat(845), '844'],
  ])('refuses %j', async (prefix, why) => {
    const { code, details } = await create('appdb', { backupSpacesPrefix: prefix });
    expect(code).toBe('VALIDATION_ERROR');
    expect(details).toMatchObject([{ path: ['backupSpacesPrefix'], message: expect.stringContaining(why) }]);
  });

  it('leaves room for the longest file name in a key', async () => {
    const longest = backupFileName('ü'.repeat(300), new Date(0).toISOString(), '.dump.zst');
    const prefix = 'é'.repeat(422);
    expect((await create('appdb', { backupSpacesPrefix: prefix })).database.backupSpacesPrefix).toBe(prefix);
    expect(() => checkKey(prefix + longest)).not.toThrow();
    expect(() => checkKey(`${prefix}12345${longest}`)).toThrow('1024');
  });
});

describe('two databases under one prefix', () => {
  it('are allowed, with a warning that names the other', async () => {
    expect((await create('orders', { backupSpacesPrefix: 'shared/' })).warnings).toEqual([]);
    const second = await create('trial', { backupSpacesPrefix: 'shared/' }, 'staging');
    expect(second.warnings).toEqual([
      'orders (production) backs up under the same prefix in the bucket backups: shared/. Their files will lie side by side: give each a prefix of its own.',
    ]);
    const moved = await change(second.database.id, { backupSpacesPrefix: 'staging/trial/' });
    expect(moved.body.warnings).toEqual([]);
    const back = await change(second.database.id, { backupSpacesPrefix: 'shared/' });
    expect(back.body.warnings).toHaveLength(1);
  });

  it('are told of in one sentence where they are many, which names a few', async () => {
    for (let index = 0; index < 7; index += 1) {
      await create(`orders ${index}`, { backupSpacesPrefix: 'shared/' });
    }
    const { warnings } = await create('trial', { backupSpacesPrefix: 'shared/' }, 'staging');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(
      /^(orders \d \(production\), ){4}orders \d \(production\) and others back up under the same prefix/,
    );
  });

  it('in different buckets, or of which one is kept on its host, get none', async () => {
    await create('orders', { backupSpacesPrefix: 'shared/' });
    const elsewhere = { backupSpacesPrefix: 'shared/', backupSpacesBucket: 'other' };
    expect((await create('one', elsewhere)).warnings).toEqual([]);
    const local = { backupSpacesPrefix: 'shared/', backupStorageType: 'local' };
    expect((await create('two', local)).warnings).toEqual([]);
    expect((await create('three')).warnings).toEqual([]);
  });

  it('at the top of a bucket are told of as well', async () => {
    const first = await create('orders');
    const second = await create('trial');
    await change(first.database.id, { backupSpacesPrefix: '' });
    const { body } = await change(second.database.id, { backupSpacesPrefix: '' });
    expect(body.warnings).toEqual([
      expect.stringMatching(/^orders \(production\) .* bucket backups: none\./),
    ]);
  });
});

it('a prefix that does not end a folder is told of', async () => {
  const { warnings } = await create('appdb', { backupSpacesPrefix: 'backup-' });
  expect(warnings).toEqual([expect.stringContaining('does not end with /')]);
});
