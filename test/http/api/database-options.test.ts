import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { engines } from '../../../src/engines/engines.ts';
import { openTestApp, type TestApp } from '../../support/app.ts';

let app: TestApp;
let environmentId: string;
beforeEach(async () => {
  app = await openTestApp({ env: { LOCAL_PATHS: '/var/backups' } });
  const created = await app.call('POST', '/api/environments', { body: { name: 'Prüfung "1+1"' } });
  environmentId = created.body.environment.id;
});
afterEach(() => app.close());

const create = (body: object) =>
  app.call('POST', `/api/environments/${environmentId}/databases`, {
    token: app.tokens.operator,
    body: { name: 'Bücher + Co.', type: 'postgres', ...body },
  });
const change = (id: string, body: object) => app.call('PATCH', `/api/databases/${id}`, { body });

describe('the options of a database as one object', () => {
  it('are taken instead of the columns, and shown both ways', async () => {
    const options = { backupFormat: 'custom', tlsMode: 'verify', pgDumpOptions: { noOwner: true } };
    const { status, body } = await create({ options });
    expect(status).toBe(200);
    expect(body.database).toMatchObject({ ...options, useSsl: true });
    expect(body.database.options).toMatchObject(options);
    const { databases } = (await app.call('GET', `/api/environments/${environmentId}/databases`)).body;
    expect(databases[0].options).toEqual(body.database.options);
  });

  it('change what they name alone, like the columns beside them', async () => {
    const { id } = (await create({ options: { backupFormat: 'tar', backupCompression: 'zstd' } })).body
      .database;
    const { database } = (await change(id, { useSsl: true, options: { backupCompressionLevel: 9 } })).body;
    const after = {
      backupFormat: 'tar',
      backupCompression: 'zstd',
      backupCompressionLevel: 9,
      tlsMode: 'encrypt',
    };
    expect(database).toMatchObject(after);
    expect(database.options).toMatchObject(after);
    // Which of them were changed is audited by their names, however they were given.
    const audited = await app.services.db
      .selectFrom('audit_logs')
      .select('details')
      .where('action', '=', 'update')
      .executeTakeFirstOrThrow();
    expect(JSON.parse(audited.details ?? '').changed.sort()).toEqual(['backupCompressionLevel', 'useSsl']);
  });

  it.each(engines.map(({ type }) => type))('of %s are taken as they are shown', async (type) => {
    const { database } = (await create({ type, options: { backupCompression: 'gzip' } })).body;
    const again = await change(database.id, { options: database.options });
    expect(again.status).toBe(200);
    expect(again.body.database.options).toEqual(database.options);
  });

  it('may say the same as a column, and nothing else', async () => {
    const same = { backupFormat: 'tar', pgDumpOptions: { clean: true }, tlsMode: 'verify' };
    expect((await create({ ...same, useSsl: true, options: same })).status).toBe(200);
    const cases = [
      [
        { backupFormat: 'plain' },
        { backupFormat: 'tar' },
        'backupFormat is said twice, and differently: "plain" by',
      ],
      [{ useSsl: false }, { tlsMode: 'verify' }, 'useSsl is said twice'],
      [{ tlsMode: 'off' }, { useSsl: true }, 'useSsl is said twice'],
      [
        { pgDumpOptions: { clean: true } },
        { pgDumpOptions: { clean: false } },
        'pgDumpOptions is said twice',
      ],
    ] as const;
    for (const [columns, options, message] of cases) {
      const { status, body } = await create({ name: 'other', ...columns, options });
      expect([status, body.field]).toEqual([400, 'options']);
      expect(body.message).toContain(message);
    }
  });

  it('are refused where the type has no such option, or none of that value', async () => {
    const unknown = await create({ options: { 'file"Path': '/x' } });
    expect([unknown.status, unknown.body.message]).toEqual([
      400,
      'PostgreSQL has no option "file\\"Path". Its options are backupFormat, backupCompression, backupCompressionLevel, pgDumpOptions, useSsl, tlsMode, tlsCa.',
    ]);
    expect((await create({ options: { filePath: '/srv/app.db' } })).body.message).toContain(
      'no option "filePath"',
    );
    expect((await create({ type: 'redis', options: { backupFormat: 'plain' } })).body.message).toBe(
      'Databases of the type redis have no options: leave them out.',
    );
    const issues = (await create({ options: { backupCompressionLevel: 0 } })).body.details;
    expect(issues).toMatchObject([{ path: ['options', 'backupCompressionLevel'] }]);
    // The engine has the last word, as over the columns.
    const both = { pgDumpOptions: { schemaOnly: true, dataOnly: true } };
    expect((await create({ options: both })).status).toBe(400);
    for (const options of [[], 'plain', 7, { backupFormat: null }, { pgDumpOptions: [] }]) {
      expect([options, (await create({ options })).status]).toEqual([options, 400]);
    }
    expect((await create({ options: null })).status).toBe(200);
  });

  it.each([
    { filePath: '/srv/bridgeport-data/bridgeport.sqlite' },
    { filePath: '/etc/shadow.db' },
    { filePath: '/var/backups/app.db', backupFormat: 'binary', backupScratchPath: '/srv/größe ö' },
  ])('name no file of this machine that a column may not: %j', async (options) => {
    const refused = await create({ type: 'sqlite', options });
    expect([refused.status, refused.body.field]).toEqual([400, Object.keys(options).at(-1)]);
    const { id } = (await create({ type: 'sqlite', options: { filePath: '/var/backups/app.db' } })).body
      .database;
    expect((await change(id, { options })).status).toBe(400);
  });

  it('are described in /openapi.json, for the request and the answer', async () => {
    const { paths } = (await app.call('GET', '/openapi.json', { token: null })).body;
    const { requestBody, responses } = paths['/api/environments/{envId}/databases'].post;
    const asked = requestBody.content['application/json'].schema.properties.options;
    for (const { type, optionNames } of engines) {
      expect(JSON.stringify(asked)).toContain(`${type}: ${optionNames.join(', ')}.`);
    }
    const { properties } = responses[200].content['application/json'].schema.properties.database;
    expect(properties.options).toMatchObject({ type: 'object' });
  });
});
