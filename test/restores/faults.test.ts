import { appendFileSync, readdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { FaultRule } from '../../dev/bucket/faults.ts';
import { contentsText } from '../../src/backups/contents.ts';
import type { RestoreRow, RunRow } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { drillSettingsOf, insertDrill } from '../../src/drills/ask-drill.ts';
import { newId } from '../../src/ids.ts';
import { SEALED } from '../../src/secrets/sealed.ts';
import { createRandom } from '../attack/verdict.ts';
import { TO_BUCKET } from '../faults/bed.ts';
import type { EndedBackup, Json } from '../support/installation.ts';
import { restoreRow } from '../support/restore-row.ts';
import { SEED } from '../support/seed.ts';
import { until } from '../support/until.ts';
import { type RestoreBed, startRestoreBed } from './bed.ts';
import { forge } from './forge.ts';

const EVER = Number.POSITIVE_INFINITY;
/** Each restore starts a dozen programs on its host. */
const PATIENCE_MS = 300_000;
vi.setConfig({ testTimeout: PATIENCE_MS });

let bed: RestoreBed;
let source: string;
let plain: EndedBackup;
let custom: EndedBackup;
let tar: EndedBackup;
let before: readonly string[];

beforeAll(async () => {
  bed = await startRestoreBed();
  source = bed.name('small');
  await bed.postgres.createDatabase(source);
  await bed.postgres.query(
    `CREATE TABLE a AS SELECT g AS id, md5(g::text) AS noise FROM generate_series(1, 4000) g;
     CREATE TABLE "b ü" AS SELECT g AS id, repeat(md5(g::text), 3) AS noise FROM generate_series(1, 2000) g;
     CREATE TABLE z (id int PRIMARY KEY); INSERT INTO z VALUES (1)`,
    source,
  );
  plain = await bed.backUpOf(await bed.source(source, { backupFormat: 'plain', backupCompression: 'none' }));
  custom = await bed.backUpOf(
    await bed.source(source, { backupFormat: 'custom', backupCompression: 'none' }),
  );
  tar = await bed.backUpOf(await bed.source(source, { backupFormat: 'tar', backupCompression: 'none' }));
  const tables = [
    ['a', 4000],
    ['b ü', 2000],
    ['z', 1],
  ] as const;
  const contents = {
    tables: tables.map(([name, rows]) => ({ schema: 'public', name, rows, definition: null })),
    ...{ largeObjects: 0, extensions: [], roles: ['postgres'] },
  };
  await bed.app.services.db
    .updateTable('backups')
    .set({ contents: contentsText(contents) })
    .where('id', '=', plain.id)
    .execute();
  before = await bed.databases();
}, PATIENCE_MS);
afterEach(() => bed.bucket.faults.clear());
afterAll(() => bed.close());

async function restoreForged(backup: EndedBackup, change: (bytes: Buffer) => Buffer) {
  const putBack = await forge(bed, backup, change);
  try {
    return await bed.restore(backup, { newName: bed.name('forged') });
  } finally {
    await putBack();
  }
}

async function expectNothingLeft({ run, restore, message }: { run: Json; restore: Json; message: string }) {
  expect(run['state']).toBe('failed');
  expect(restore).toMatchObject({ state: 'removed', exists: expect.stringContaining('as it was') });
  expect(message).toContain('What had been made was removed');
  expect(await bed.databases()).toEqual(before);
}

const random = createRandom(SEED);
/** Behind its first bytes, and before an end that could be left out: the blank lines of a plain dump. */
const anywhere = (bytes: Buffer) => Math.floor(bytes.length * (0.005 + 0.985 * random()));

/** Places to cut: anywhere, at the end of a row, of a statement and of the rows of a table, and right before the end. */
const CUTS: readonly (readonly [string, () => EndedBackup, (bytes: Buffer) => number])[] = [
  ['a plain dump anywhere', () => plain, anywhere],
  ['a plain dump behind a row', () => plain, (bytes) => bytes.indexOf('\n', bytes.length * 0.6) + 1],
  ['a plain dump behind the rows of a table', () => plain, (bytes) => bytes.indexOf('\n\\.\n') + 4],
  ['an archive anywhere', () => custom, anywhere],
  ['an archive by its last byte', () => custom, (bytes) => bytes.length - 1],
  ['a tar archive anywhere', () => tar, anywhere],
  ['a tar archive by its last block', () => tar, (bytes) => bytes.length - 512],
];

describe('what is not a whole dump', () => {
  it.each(CUTS)('%s leaves nothing behind, though hash and size fit', async (what, backup, at) => {
    const ended = await restoreForged(backup(), (bytes) => {
      const place = at(bytes);
      console.log(`cut by seed ${SEED}: ${what}, at ${place} of ${bytes.length}`);
      return bytes.subarray(0, place);
    });
    expect(ended.message).toMatch(/not complete|incomplete|is not at its end|ends within|breaks off|dump/i);
    await expectNothingLeft(ended);
  });

  it('a byte that another stands for leaves nothing behind', async () => {
    bed.bucket.faults.add({ match: { operation: 'GetObject' }, times: EVER, fault: { kind: 'corrupt' } });
    const ended = await bed.restore(plain, { newName: bed.name('forged') });
    await expectNothingLeft(ended);
  });

  it('a storage that refuses in the middle leaves nothing behind', async () => {
    const match = { operation: 'GetObject' } as const;
    bed.bucket.faults.add({ match, times: 1, fault: { kind: 'truncate', bytes: 150_000 } });
    bed.bucket.faults.add({
      match,
      times: EVER,
      fault: { kind: 'status', status: 403, code: 'AccessDenied' },
    });
    const ended = await bed.restore(plain, { newName: bed.name('forged') });
    expect(ended.run).toMatchObject({ error: { step: 'load' } });
    await expectNothingLeft(ended);
  });

  it('an object that is another one by the time that it is read on leaves nothing behind', async () => {
    const match = { operation: 'GetObject' } as const;
    bed.bucket.faults.add({ match, times: 1, fault: { kind: 'truncate', bytes: 150_000 } });
    // What a storage answers to If-Match then.
    const changed = { kind: 'status', status: 412, code: 'PreconditionFailed' } as const;
    bed.bucket.faults.add({ match, times: EVER, fault: changed });
    const ended = await bed.restore(plain, { newName: bed.name('forged') });
    expect(ended.run).toMatchObject({ error: { step: 'load', code: 'storage_mismatch' } });
    await expectNothingLeft(ended);
  });

  it('connections that break are no harm', async () => {
    const match = { operation: 'GetObject' } as const;
    bed.bucket.faults.add({ match, times: 3, fault: { kind: 'truncate', bytes: 90_000 } });
    const hits = bed.bucket.faults.hits().length;
    const newName = bed.name('mended');
    const ended = await bed.restore(plain, { newName });
    expect(bed.bucket.faults.hits()).toHaveLength(hits + 3);
    expect(ended).toMatchObject({ message: '', restore: { state: 'done' } });
    expect(ended.restore['tables']).toEqual([
      { schema: 'public', name: 'a', expected: 4000, rows: 4000 },
      { schema: 'public', name: 'b ü', expected: 2000, rows: 2000 },
      { schema: 'public', name: 'z', expected: 1, rows: 1 },
    ]);
    await bed.postgres.dropDatabase(newName);
  });

  it('rows that are missing in a dump that is whole by itself are found out', async () => {
    const ended = await restoreForged(plain, (bytes) => {
      const text = bytes.toString('latin1');
      return Buffer.from(text.replace(/^17\t.*\n/m, ''), 'latin1');
    });
    expect(ended.message).toContain('public.a has 3999 rows instead of 4000');
    await expectNothingLeft(ended);
  });
});

describe('a hostile dump', () => {
  it.each([['\\! touch /var/backups/pwned'], ['\\unrestrict `touch /var/backups/pwned`']])(
    '%s runs nothing on the host',
    async (line) => {
      const ended = await restoreForged(plain, (bytes) => {
        const at = bytes.indexOf('\nSET default_tablespace') + 1;
        return Buffer.concat([bytes.subarray(0, at), Buffer.from(`${line}\n`), bytes.subarray(at)]);
      });
      expect(ended.run).toMatchObject({ error: { code: 'dump_unsafe' } });
      await expectNothingLeft(ended);
      await expect(bed.sshd.insideHost('test -e /var/backups/pwned')).rejects.toThrow();
    },
  );
});

describe('a restore that goes on', () => {
  it('keeps its backup, has its name for itself, and is cancelled with all it has made', async () => {
    const { app } = bed;
    bed.bucket.faults.add({
      match: { operation: 'GetObject' },
      times: EVER,
      fault: { kind: 'stall', bytes: 150_000 },
    });
    const hits = bed.bucket.faults.hits().length;
    const newName = bed.name('stalled');
    const path = `/api/backups/${plain.id}/restore`;
    const asked = await Promise.all([1, 2].map(() => app.call('POST', path, { newName })));
    expect(asked.map(({ status }) => status).sort()).toEqual([200, 409]);
    const runId = String(asked.find(({ status }) => status === 200)?.body['runId']);
    const made = await until('it to load', 30_000, async () => {
      const { restore } = (await app.ask('GET', `/api/restores/${runId}`)) as { restore: Json };
      return restore['state'] === 'loading' && bed.bucket.faults.hits().length > hits;
    });
    expect(made).toBe(true);
    expect((await bed.databases()).filter((name) => !before.includes(name))).toEqual([
      expect.stringMatching(/^bp_restore_\w+$/),
    ]);
    expect(await app.call('DELETE', `/api/backups/${plain.id}`)).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('being restored') },
    });
    expect((await app.call('POST', path, { newName })).status).toBe(409);
    await app.ask('POST', `/api/runs/${runId}/cancel`, {});
    const ended = await bed.ended(runId);
    expect(ended.run['state']).toBe('cancelled');
    expect(ended.restore['state']).toBe('removed');
    expect(await bed.databases()).toEqual(before);
    expect((await app.call('POST', `/api/runs/${runId}/cancel`, {})).status).toBe(409);
  });
});

describe('what is lost while it loads', () => {
  /** The first bytes are given, and the others when somebody lets go. */
  async function halfWay(
    backup: EndedBackup,
    newName: string,
    faults: readonly FaultRule[],
  ): Promise<string> {
    for (const rule of faults) bed.bucket.faults.add(rule);
    const hits = bed.bucket.faults.hits().length;
    const { runId } = await bed.app.ask('POST', `/api/backups/${backup.id}/restore`, { newName });
    await until('it to load', 30_000, async () => {
      const { restore } = (await bed.app.ask('GET', `/api/restores/${runId}`)) as { restore: Json };
      return restore['state'] === 'loading' && bed.bucket.faults.hits().length === hits + faults.length;
    });
    return String(runId);
  }

  const match = { operation: 'GetObject' } as const;

  it('leaves nothing behind: the way to its host', async () => {
    const stall: FaultRule = { match, fault: { kind: 'stall', bytes: 150_000 } };
    const runId = await halfWay(plain, bed.name('lost'), [stall]);
    await bed.sshd.dropConnections();
    const ended = await bed.ended(runId);
    expect(ended.run).toMatchObject({ error: { step: 'load', code: 'host_dropped' } });
    await expectNothingLeft(ended);
  });

  it.each([['plain'], ['custom']] as const)(
    'leaves nothing behind: its session on the server, of the format %s',
    async (format) => {
      const { held, release } = holding();
      const faults: FaultRule[] = [
        { match, fault: { kind: 'truncate', bytes: 150_000 } },
        { match, fault: { kind: 'hold', until: held } },
      ];
      const runId = await halfWay(format === 'plain' ? plain : custom, bed.name('ended'), faults);
      const [made] = (await bed.databases()).filter((name) => !before.includes(name));
      // The one that loads: others of ours, and the server's own, come and go there.
      const terminated = `SELECT pg_terminate_backend(pid) AS done FROM pg_stat_activity WHERE datname = '${made}' AND query ILIKE 'COPY %'`;
      await until('its session', 20_000, async () => (await bed.postgres.query(terminated)).length > 0);
      release();
      const ended = await bed.ended(runId);
      expect(ended.run).toMatchObject({ error: { step: 'load', code: 'dump_failed' } });
      expect(ended.message).toMatch(
        /was ended by its server, or the connection to it broke\. .*restore again/,
      );
      await expectNothingLeft(ended);
    },
  );

  it('leaves nothing behind: the room on its disk', async () => {
    const folder = bed.sshd.smallFolder;
    const filePath = await bed.makeSqlite('full "ü".db', 0.2);
    const id = await bed.addDatabase({ name: 'file', type: 'sqlite', filePath, ...TO_BUCKET });
    const { held, release } = holding();
    const rule: FaultRule = { match, fault: { kind: 'hold', until: held } };
    const runId = await halfWay(await bed.backUpOf(id), `${folder}/restored 'ü".db`, [rule]);
    // It loads from then on.
    const isLoading = (path: string) => path.endsWith('/pid');
    await until('its program', 20_000, async () => (await bed.sshd.files(folder)).some(isLoading));
    fill(bed.sshd.hostPath(`${folder}/of somebody else`));
    release();
    const { run, restore, message } = await bed.ended(runId);
    expect(run).toMatchObject({ state: 'failed', error: { step: 'load', code: 'dump_failed' } });
    expect(message).toMatch(/The disk of the host ran full while .* was restored .*Free space there/);
    expect(restore).toMatchObject({ state: 'removed', exists: expect.stringContaining('as it was') });
    expect(readdirSync(bed.sshd.hostPath(folder))).toEqual(['of somebody else']);
  });

  function holding() {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    return { held, release };
  }

  /** Takes all the room that there is. */
  function fill(path: string): void {
    const block = Buffer.alloc(4096, 1);
    try {
      for (;;) appendFileSync(path, block);
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' });
    }
  }
});

describe('a backup that can’t be read now', () => {
  // GET is asked where HEAD is refused, which has no words.
  const match = { operation: ['HeadObject', 'GetObject'] } as const;
  const answering = (fault: FaultRule['fault']) => async () => {
    bed.bucket.faults.add({ match, times: EVER, fault });
    return async () => {};
  };
  const STATES: readonly (readonly [string, () => Promise<() => Promise<unknown>>, object, RegExp])[] = [
    [
      'is refused to the key of the storage',
      answering({ kind: 'status', status: 403, code: 'AccessDenied' }),
      { code: 'storage_denied' },
      /403/,
    ],
    [
      'lies in an archive',
      answering({ kind: 'headers', headers: { 'x-amz-storage-class': 'GLACIER' } }),
      { code: 'conflict' },
      /Backup: It lies in an archive \(GLACIER\)\. Have the storage restore it/,
    ],
    [
      'is another one by its size',
      async () => {
        const set = (bytes: number) =>
          bed.app.services.db
            .updateTable('backups')
            .set({ size: bytes })
            .where('id', '=', plain.id)
            .execute();
        await set(plain.size + 1);
        return () => set(plain.size);
      },
      { code: 'conflict' },
      /Backup: It has \d+ bytes instead of \d+: something else lies there/,
    ],
  ];

  it.each(STATES)(
    'and %s is not begun with: nothing is made, and the password forgotten',
    async (_, prepare, error, says) => {
      const putBack = await prepare();
      const ended = await bed.restore(plain, { newName: bed.name('unread'), ...bed.postgres.superuser });
      await putBack();
      expect(ended.run).toMatchObject({ state: 'failed', error: { step: 'look', ...error } });
      expect(ended.message).toMatch(says);
      expect(ended.restore).toMatchObject({
        state: 'none',
        exists: expect.stringContaining('Nothing was made'),
      });
      const { credentials } = await bed.app.services.db
        .selectFrom('restores')
        .select('credentials')
        .where('id', '=', String(ended.run['id']))
        .executeTakeFirstOrThrow();
      expect([credentials, await bed.databases()]).toEqual([null, before]);
    },
  );
});

it('a drill of a dump that programs of a newer version made says so, and nothing against the backup', async () => {
  const levelOf = async () => {
    const { backup } = (await bed.app.ask('GET', `/api/backups/${plain.id}`)) as { backup: Json };
    return [backup['verification'], backup['verificationError']];
  };
  const level = await levelOf();
  const putBack = await forge(bed, plain, (bytes) => {
    const at = bytes.indexOf('SET row_security');
    return Buffer.concat([
      bytes.subarray(0, at),
      Buffer.from('SET of_years_to_come = 0;\n'),
      bytes.subarray(at),
    ]);
  });
  const { runId } = await bed.app.ask('POST', `/api/backups/${plain.id}/drill`, {});
  const { run, restore } = await bed.ended(String(runId));
  await putBack();
  expect(run['drill']).toMatchObject({
    ...{ outcome: 'failed', failure: 'version' },
    says: expect.stringContaining('does not know the setting "of_years_to_come"'),
  });
  expect(restore).toMatchObject({ state: 'removed' });
  expect([await levelOf(), await bed.databases()]).toEqual([level, before]);
});

describe('a target that can’t be', () => {
  it('is told of before anything is made: a name that is taken', async () => {
    const ended = await bed.restore(plain, { newName: source });
    expect(ended.run['state']).toBe('failed');
    expect(ended.message).toMatch(/was not begun.*already.*Nothing was made/);
    expect(ended.restore).toMatchObject({ state: 'none' });
    const checks = ended.restore['checks'] as readonly { name: string; ok: boolean }[];
    expect(checks.map(({ name, ok }) => `${name} ${ok}`)).toEqual([
      ...['Backup true', 'Server true', 'Programs true', 'Name false'],
      ...['Rights true', 'Extensions true', 'Roles true', 'Room true'],
    ]);
  });

  it('another name is found where nobody chose one, and the storage need not be enabled any more', async () => {
    const setting = `/api/settings/spaces/environments/${bed.environment}`;
    await bed.app.ask('PUT', setting, { enabled: false });
    const first = await bed.restore(plain);
    const second = await bed.restore(plain);
    await bed.app.ask('PUT', setting, { enabled: true });
    expect([first.message, second.message]).toEqual(['', '']);
    const dayOf = ({ run }: { run: Json }) => String(run['createdAt']).slice(0, 10).replaceAll('-', '');
    const [today, then] = [dayOf(first), dayOf(second)];
    expect(first.newName).toMatch(new RegExp(`_restored_${today}$`));
    // It may be midnight between the two.
    const isTaken = today === then;
    expect(second.newName).toBe(isTaken ? `${first.newName}_2` : first.newName.replace(/\d{8}$/, then));
    for (const { newName } of [first, second]) await bed.postgres.dropDatabase(newName);
  });

  it('the stored password goes to no other server, and another environment is for admins who confirm', async () => {
    const path = `/api/backups/${plain.id}/restore`;
    expect(await bed.app.call('POST', path, { port: 5433 })).toMatchObject({
      status: 400,
      body: { field: 'password' },
    });
    const other = await bed.app.create('environment', '/api/environments', { name: 'other <ü>' });
    const serverId = await bed.app.create('server', `/api/environments/${other}/servers`, {
      name: 'elsewhere',
      hostname: '127.0.0.1',
    });
    const login = { username: 'me', password: 'typed for this' };
    expect(await bed.app.call('POST', path, { serverId, ...login })).toMatchObject({
      status: 400,
      body: { field: 'confirm', message: expect.stringContaining('other <ü>') },
    });
    expect((await bed.app.call('POST', path, { serverId: 'none', ...login })).body).toMatchObject({
      field: 'serverId',
    });
    const { privateKey: sshPrivateKey, user: sshUser, host: hostname, port: sshPort } = bed.sshd;
    await bed.app.ask('PUT', `/api/environments/${other}/ssh`, { sshPrivateKey, sshUser });
    const there = { name: 'there ü', hostname, sshPort };
    const body = {
      ...{ serverId: await bed.app.create('server', `/api/environments/${other}/servers`, there) },
      ...{ newName: bed.name('elsewhere'), confirm: 'other <ü>', host: '127.0.0.1' },
      ...{ port: bed.postgres.port, ...bed.postgres.superuser },
    };
    const ended = await bed.restore(plain, body);
    expect([ended.message, ended.restore['state']]).toEqual(['', 'done']);
    expect(await bed.postgres.query('SELECT count(*)::int AS rows FROM a', ended.newName)).toEqual([
      { rows: 4000 },
    ]);
    await bed.postgres.dropDatabase(ended.newName);
  });

  it('a wrong password that was typed is refused, and forgotten', async () => {
    const ended = await bed.restore(plain, { username: 'nobody', password: 'typed for this alone' });
    expect(ended.run).toMatchObject({ state: 'failed', error: { code: 'dump_refused' } });
    const row = await bed.app.services.db
      .selectFrom('restores')
      .selectAll()
      .where('id', '=', String(ended.run['id']))
      .executeTakeFirstOrThrow();
    expect(row).toMatchObject({ state: 'none', credentials: null });
  });
});

describe('a restore that its app did not survive', () => {
  let count = 0;
  /** As a kill leaves it, in that state; `isMade`: what it makes is there. The app repairs it as after a start. */
  async function killed(change: Partial<RestoreRow>, isMade = false): Promise<RestoreRow> {
    const { db, vault } = bed.app.services;
    count += 1;
    const id = `killed-${count}`;
    const credentials = await vault.seal(
      JSON.stringify(bed.postgres.superuser),
      SEALED.restoreCredentials.identity(id),
    );
    const token = `${bed.mark.replaceAll(/\W/g, '')}${count}`;
    const row = restoreRow({
      ...{ id, backup_id: plain.id, database_name: source, token, credentials },
      ...{ server_id: bed.server, port: bed.postgres.port, new_name: bed.name(`killed ${count}`) },
      ...change,
    });
    if (isMade) await bed.postgres.query(`CREATE DATABASE bp_restore_${token}`);
    const like = await db.selectFrom('runs').selectAll().where('id', '=', plain.id).executeTakeFirstOrThrow();
    await db.insertInto('restores').values(row).execute();
    await db
      .insertInto('runs')
      .values({
        ...like,
        ...{ id, kind: 'restore', lane: `restore:${id}`, state: 'running', ended_at: null },
        ...{ claimed_by: 'dead', lease_until: new Date(0).toISOString() },
      })
      .execute();
    return row;
  }
  async function repaired({ id }: RestoreRow): Promise<{ run: RunRow; restore: RestoreRow }> {
    const { db } = bed.app.services;
    const run = await until('its repair', 60_000, async () => {
      const row = await db.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
      return row.state === 'running' || row.claimed_by !== null ? undefined : row;
    });
    const restore = await db
      .selectFrom('restores')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    return { run, restore };
  }

  it('is never run again: what it had made is removed', async () => {
    const nothing = await repaired(await killed({ state: 'none' }));
    expect(nothing).toMatchObject({
      run: { state: 'interrupted' },
      restore: { state: 'none', credentials: null },
    });
    for (const state of ['making', 'loading'] as const) {
      const after = await repaired(await killed({ state }, state === 'loading'));
      expect(after).toMatchObject({
        run: { state: 'interrupted' },
        restore: { state: 'removed', credentials: null },
      });
      expect(after.run.error).toContain('never begun again by itself');
      expect(await bed.databases()).toEqual(before);
    }
  });

  it('is ended where it was found whole already, before and after it got its name', async () => {
    const row = await killed({ state: 'finishing' }, true);
    expect(await repaired(row)).toMatchObject({ run: { state: 'completed' }, restore: { state: 'done' } });
    expect(await bed.databases()).toContain(row.new_name);
    const again = await killed({ state: 'finishing', new_name: row.new_name });
    expect(await repaired(again)).toMatchObject({ run: { state: 'completed' }, restore: { state: 'done' } });
    // One that nobody could end, and that has its name all the same, is not removed as something half.
    const [found] = await bed.postgres.query(
      `SELECT oid::text FROM pg_database WHERE datname = '${row.new_name.replaceAll("'", "''")}'`,
    );
    const made = JSON.stringify({ made: `${found?.['oid']} - -` });
    const { db } = bed.app.services;
    const ofRow = db.updateTable('restores').where('id', '=', row.id);
    await ofRow.set({ state: 'left', load_options: made }).execute();
    const cleanUp = `/api/restores/${row.id}/clean-up`;
    const said = { ...bed.postgres.superuser, confirm: row.new_name };
    expect(await bed.app.ask('POST', cleanUp, said)).toMatchObject({ state: 'done' });
    expect((await bed.app.ask('GET', `/api/restores/${row.id}`))['restore']).toMatchObject({ state: 'done' });
    expect(await bed.databases()).toContain(row.new_name);
    // Another one has its name since, and it is gone.
    const lost = await killed({
      state: 'finishing',
      new_name: row.new_name,
      load_options: '{"made":"1 - -"}',
    });
    expect(await repaired(lost)).toMatchObject({
      run: { state: 'uncertain' },
      restore: {
        state: 'finishing',
        removal_error: expect.stringContaining('somebody has dropped or renamed'),
      },
    });
    await db.deleteFrom('runs').where('id', '=', lost.id).execute();
    await db.deleteFrom('restores').where('id', '=', lost.id).execute();
    await bed.postgres.dropDatabase(row.new_name);
    expect(await bed.databases()).toEqual(before);
  });

  it('is tried again while its server is away, and then left to a person, who cleans up with one call', async () => {
    const row = await killed({ state: 'loading', port: 9 }, true);
    const first = await repaired(row);
    expect(first.run.state).toBe('uncertain');
    expect(first.restore).toMatchObject({ state: 'loading', removal_tries: 1, credentials: row.credentials });
    const { db } = bed.app.services;
    await db.updateTable('restores').set({ removal_tries: 9 }).where('id', '=', row.id).execute();
    await db
      .updateTable('runs')
      .set({ lease_until: new Date(0).toISOString() })
      .where('id', '=', row.id)
      .execute();
    const last = await until('it to be left', 60_000, async () => {
      const { run, restore } = await repaired(row);
      return restore.state === 'left' ? { run, restore } : undefined;
    });
    expect(last).toMatchObject({
      run: { state: 'interrupted' },
      restore: { state: 'left', credentials: null },
    });
    expect(last.run.error).toContain('could not be removed');
    const { restores } = (await bed.app.ask('GET', '/api/restores?state=left')) as { restores: Json[] };
    expect(restores.map(({ id }) => id)).toEqual([row.id]);

    const path = `/api/restores/${row.id}/clean-up`;
    const { username, password } = bed.postgres.superuser;
    const said = { username, password, confirm: row.new_name };
    expect((await bed.app.call('POST', path, said)).status).toBe(400);
    await db.updateTable('restores').set({ port: bed.postgres.port }).where('id', '=', row.id).execute();
    const unnamed = await bed.app.call('POST', path, { username, password });
    expect(unnamed).toMatchObject({ status: 400, body: { field: 'confirm' } });
    expect(await bed.app.ask('POST', path, said)).toMatchObject({ state: 'removed' });
    expect(await bed.databases()).toEqual(before);
    expect((await bed.app.call('POST', path, {})).status).toBe(409);
  });

  it('and one that is scheduled trust no server whose key nobody has pinned', async () => {
    const { db, runs } = bed.app.services;
    const server = db.selectFrom('servers').select('host_key').where('id', '=', bed.server);
    const { host_key: pinned } = await server.executeTakeFirstOrThrow();
    expect(pinned).not.toBeNull();
    const setKey = (key: string | null) =>
      db.updateTable('servers').set({ host_key: key }).where('id', '=', bed.server).execute();
    await setKey(null);
    try {
      const { database_id: id } = await db
        .selectFrom('backups')
        .select('database_id')
        .where('id', '=', plain.id)
        .executeTakeFirstOrThrow();
      const database = await db
        .selectFrom('databases')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirstOrThrow();
      const settings = await drillSettingsOf(db, id);
      const runId = newId();
      const at = new Date();
      const drill = { runId, backupId: plain.id, database, settings, credentials: null };
      await write(db, (trx) => insertDrill(trx, { ...drill, askedById: null, dueAt: at }, at));
      runs.wake();
      const { run, restore, message } = await bed.ended(runId);
      expect(run).toMatchObject({ state: 'failed', error: { code: 'host_key_unknown', step: 'look' } });
      expect(message).toMatch(
        /is not known yet, so nothing was sent\..* test the server's connection to pin it/,
      );
      expect(restore['state']).toBe('none');

      const row = await killed({ state: 'loading' }, true);
      const repair = await repaired(row);
      expect(repair.run.state).toBe('uncertain');
      expect(repair.restore.removal_error).toContain('is not known yet');
      expect(await server.executeTakeFirstOrThrow()).toEqual({ host_key: null });

      await setKey(pinned);
      const soon = { lease_until: new Date(0).toISOString() };
      await db.updateTable('runs').set(soon).where('id', '=', row.id).execute();
      await until('its removal', 60_000, async () =>
        (await repaired(row)).restore.state === 'removed' ? true : undefined,
      );
      expect(await bed.databases()).toEqual(before);
    } finally {
      await setKey(pinned);
    }
  });
});
