import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBackupKind } from '../../src/backups/node/backup-kind.ts';
import { settleCompleted, settleFailed } from '../../src/backups/settle.ts';
import { createChannel } from '../../src/channels/node/guarded-channel.ts';
import type { BackupRow, Db } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { createLog } from '../../src/log.ts';
import { removePingTarget, savePingTarget, tryPing } from '../../src/pings/ping-target.ts';
import { type SendContext, sendDuePings } from '../../src/pings/send-due.ts';
import { listDuePings, takePing } from '../../src/pings/waiting-pings.ts';
import { createVault } from '../../src/secrets/vault.ts';
import { insertBackup, runOf } from '../support/backup-row.ts';
import { type PingServer, startPingServer } from '../support/ping-server.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

const BEGIN = Date.parse('2026-02-25T10:00:00.000Z');
const NOBODY = { userId: null, address: null };
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const never = new AbortController().signal;

afterAll(dropStates);

describe.each(STATES)('the pings of a database, on %s', (state) => {
  let db: Db;
  let server: PingServer;
  let seconds: number;
  let log: string[];
  let context: SendContext;
  const now = () => new Date(BEGIN + seconds * 1000);

  beforeEach(async () => {
    db = await openState(state);
    server = await startPingServer();
    [seconds, log] = [0, []];
    const value = JSON.stringify('127.0.0.1');
    await db
      .insertInto('system_settings')
      .values({ key: 'privateHosts', value, updated_at: now().toISOString() })
      .execute();
    context = {
      ...{ db, now, vault: await createVault(new Uint8Array(32).fill(5)) },
      channel: createChannel({ allowed: async () => ['127.0.0.1'] }),
      log: createLog('debug', (line) => log.push(line), now),
    };
  });
  afterEach(async () => {
    await server.close();
    await db.destroy();
  });

  /** One that runs, of a database that is told of. */
  async function running(
    input: { url?: string; protocol?: 'healthchecks' | 'plain' } = {},
  ): Promise<BackupRow> {
    const backup = await insertBackup(db, now(), {
      ...{ status: 'in_progress', outcome: null, claimed_by: 'me', filename: 'shop "ü" <b> 😀.sql.zst' },
    });
    const url = `${server.url}/ping/secret-token?x=1`;
    await savePingTarget(context, NOBODY, backup.database_id, { url, protocol: 'healthchecks', ...input });
    return backup;
  }
  const begin = async (backup: BackupRow) => {
    const kind = createBackupKind({ db, now } as never);
    const run = await runOf(db, backup);
    await write(db, async (trx) => kind.begin?.(trx, run, now()));
  };
  const claim = ({ id }: BackupRow) => ({ runId: id, claimedBy: 'me' });
  const complete = (backup: BackupRow) =>
    settleCompleted(db, claim(backup), { bytes: 4711, seconds: 4, sha256: 'ab', versionId: null }, now());
  const fail = (backup: BackupRow, outcome: 'failed' | 'uncertain' = 'failed') =>
    settleFailed(
      db,
      claim(backup),
      { outcome, error: { step: 'dump', message: 'no <b>', code: 'dump_failed' } },
      now(),
    );
  const send = () => sendDuePings(context, never);
  const paths = () => server.pings.map(({ path }) => path.replace(/rid=.*/, 'rid'));
  const target = (id: string) =>
    db.selectFrom('ping_targets').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  const waiting = () => db.selectFrom('pings').selectAll().orderBy('number').execute();

  it('tell its start and its success with the figures, in that order and once, whoever sends them at the same time', async () => {
    const backup = await running();
    await begin(backup);
    await complete(backup);
    await Promise.all([send(), send(), send()]);
    await send();
    expect(paths()).toEqual(['/ping/secret-token/start?x=1&rid', '/ping/secret-token?x=1&rid']);
    const ids = new Set(server.pings.map(({ path }) => new URL(path, server.url).searchParams.get('rid')));
    expect([...ids]).toEqual([expect.stringMatching(UUID)]);
    expect(server.pings[1]?.body.split('\n')).toEqual([
      ...[`backup: ${backup.id}`, 'file: shop "ü" <b> 😀.sql.zst', 'bytes: 4711', 'seconds: 4', 'sha256: ab'],
    ]);
    expect(await waiting()).toEqual([]);
    expect(await target(backup.database_id)).toMatchObject({
      last_kind: 'success',
      last_ok: 1,
      last_error: null,
    });
  });

  it('tell a failure with its step and reason, and of an uncertain one nothing before it is known', async () => {
    const backup = await running();
    await fail(backup, 'uncertain');
    await send();
    expect(server.pings).toEqual([]);
    await db.updateTable('runs').set({ claimed_by: 'me' }).where('id', '=', backup.id).execute();
    await fail(backup);
    await send();
    expect(paths()).toEqual(['/ping/secret-token/fail?x=1&rid']);
    expect(server.pings[0]?.body).toBe(`backup: ${backup.id}\nstep: dump\nno <b>`);
  });

  it('are a plain GET of a success where the service knows no more', async () => {
    const [good, bad] = [await running({ protocol: 'plain' }), await running({ protocol: 'plain' })];
    for (const backup of [good, bad]) await begin(backup);
    await complete(good);
    await fail(bad);
    await send();
    expect(server.pings).toEqual([{ method: 'GET', path: '/ping/secret-token?x=1', body: '' }]);
  });

  it('are tried again, less and less often, for two hours at most; what an end has made old is not sent', async () => {
    const backup = await running();
    server.answer((_, response) => void response.writeHead(503).end('secret-token'));
    await begin(backup);
    await send();
    await send();
    expect(paths()).toHaveLength(1);
    seconds = 31;
    await send();
    expect(paths()).toHaveLength(2);
    await complete(backup);
    expect((await waiting()).map(({ kind }) => kind)).toEqual(['success']);
    for (let minute = 1; minute <= 240; minute += 1) {
      seconds = 60 * minute;
      await send();
    }
    expect(paths().slice(2)).toEqual(Array(12).fill('/ping/secret-token?x=1&rid'));
    expect(await waiting()).toEqual([]);
    const reason = `127.0.0.1:${server.port} answered 503.`;
    expect(await target(backup.database_id)).toMatchObject({ last_ok: 0, last_error: reason });
    expect(log.filter((line) => line.includes('a ping was given up'))).toHaveLength(1);
    expect(log.join()).not.toContain('secret-token');
  });

  it.each([
    [404, 'x', 'answered 404.'],
    [301, '', 'which leads elsewhere'],
    [200, 'OK (not found)', 'knows no check of that address'],
  ])('are given up at once when the answer %i %s will not change', async (status, text, words) => {
    const backup = await running();
    server.answer((_, response) => void response.writeHead(status, { location: '/' }).end(text));
    await complete(backup);
    await send();
    expect(await waiting()).toEqual([]);
    expect((await target(backup.database_id)).last_error).toContain(words);
    expect(paths()).toHaveLength(1);
  });

  it('are sent by another process once the one that had them is dead, and not before', async () => {
    const backup = await running();
    await complete(backup);
    const [taken, second] = await Promise.all([
      takePing(db, backup.database_id, 'one', now()),
      takePing(db, backup.database_id, 'two', now()),
    ]);
    expect([taken, second].filter((ping) => ping !== undefined)).toHaveLength(1);
    seconds = 59;
    await send();
    expect(server.pings).toEqual([]);
    seconds = 61;
    await send();
    expect(paths()).toHaveLength(1);
  });

  it('are not kept back by a clock that is set back, by a day or a year', async () => {
    for (const back of [86_400, 366 * 86_400]) {
      server.pings.length = 0;
      const backup = await running();
      await complete(backup);
      await takePing(db, backup.database_id, 'dead', now());
      seconds -= back;
      expect(await listDuePings(db, now())).toEqual([backup.database_id]);
      await send();
      expect(paths()).toHaveLength(1);
    }
  });

  it('of one host that is away do not keep those of others waiting, and ask it once', async () => {
    const away = await Promise.all(
      Array.from({ length: 12 }, () => running({ url: 'http://127.0.0.1:9/x' })),
    );
    const [here] = [await running()];
    for (const backup of [...away, here]) await complete(backup);
    await send();
    expect(paths()).toEqual(['/ping/secret-token?x=1&rid']);
    const tries = (await waiting()).map((ping) => ping.tries);
    // As many as were being sent at once.
    expect(tries.filter((count) => count === 1).length).toBeLessThanOrEqual(8);
    expect(tries).toHaveLength(12);
    expect(await listDuePings(db, now())).toEqual([]);
  });

  it('go with the address, and with the database', async () => {
    const [first, second] = [await running(), await running()];
    for (const backup of [first, second]) await complete(backup);
    await removePingTarget(context, NOBODY, first.database_id);
    await db.deleteFrom('databases').where('id', '=', second.database_id).execute();
    expect(await waiting()).toEqual([]);
    await send();
    expect(server.pings).toEqual([]);
  });

  it('tell nobody of a database without an address', async () => {
    const backup = await insertBackup(db, now(), { status: 'in_progress', outcome: null, claimed_by: 'me' });
    await begin(backup);
    await complete(backup);
    expect(await waiting()).toEqual([]);
  });

  it('say so where the key that sealed the address is gone', async () => {
    const backup = await running();
    await complete(backup);
    await sendDuePings({ ...context, vault: await createVault(new Uint8Array(32).fill(6)) }, never);
    expect((await target(backup.database_id)).last_error).toContain('can’t be opened'.replace('’', "'"));
    expect(server.pings).toEqual([]);
  });

  it('are tested without telling of a backup', async () => {
    const { database_id: id } = await running();
    expect(await tryPing(context, NOBODY, id, never)).toEqual({ isOk: true });
    expect(paths()).toEqual(['/ping/secret-token/log?x=1&rid']);
    expect(await target(id)).toMatchObject({ last_kind: 'test', last_ok: 1 });
  });
});
