import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import type { EndedBackup, Json } from '../support/installation.ts';
import { startMariadb, type TestMariadb } from '../support/mariadb.ts';
import { until } from '../support/until.ts';
import { actHalfWay, type Bed, expectSealedOrAbsent, ROWS_OF_HALF_WAY, startBed, TO_BUCKET } from './bed.ts';

/** Long, and different in each form that a tool may print it in. */
const PASSWORD = `p4ss"w0rd'$(id) /+&=?é\\ of the user`;

let bed: Bed;
let mariadb: TestMariadb;
let orders: Json;

beforeAll(async () => {
  // No request here never ends, so that nothing waits for this: a busy machine has the time of production to abort an upload.
  const tuning = { cancelGraceMs: 10_000 };
  [bed, mariadb] = await Promise.all([startBed({ tuning }), startMariadb()]);
  for (const [database, rows] of [
    ['orders', 25_000],
    ['many orders', ROWS_OF_HALF_WAY],
  ] as const) {
    await mariadb.createDatabase(database);
    await mariadb.query(
      `CREATE TABLE t AS SELECT seq, REPEAT(MD5(seq), 60) AS noise FROM seq_1_to_${rows}`,
      database,
    );
  }
  const quoted = PASSWORD.replaceAll(/[\\']/g, '\\$&');
  await mariadb.query(`CREATE USER reader@'%' IDENTIFIED BY '${quoted}'; GRANT ALL ON *.* TO reader@'%'`);
  orders = {
    type: 'mysql',
    host: '127.0.0.1',
    port: mariadb.port,
    databaseName: 'orders',
    username: 'reader',
    password: PASSWORD,
    ...TO_BUCKET,
  };
});
afterEach(() => bed.bucket.faults.clear());
afterAll(async () => {
  await bed.close();
  await mariadb.stop();
});

let count = 0;
function addDatabase(changes: Json): Promise<string> {
  count += 1;
  return bed.addDatabase({ ...orders, name: `case ${count}`, ...changes });
}

async function backUp(changes: Json): Promise<EndedBackup> {
  const backup = await bed.app.backUp(await addDatabase(changes));
  await expectSealedOrAbsent(bed, backup);
  return backup;
}

test('without a fault the backup of MariaDB completes, and tells the versions', async () => {
  const backup = await backUp({ backupCompression: 'zstd' });
  expect(backup.error).toBeNull();
  expect(backup.filename).toMatch(/\.sql\.zst$/);
  expect(backup.raw).toMatchObject({
    status: 'completed',
    serverVersion: expect.stringContaining('MariaDB'),
    clientVersion: expect.stringContaining('MariaDB'),
  });
});

describe('what is wrong with the MariaDB database fails at connect and says so', () => {
  const cases: readonly [string, Json, string, RegExp][] = [
    ['a wrong password', { password: 'wrong' }, 'dump_refused', /wrong user or password/],
    ['a missing database', { databaseName: 'nowhere' }, 'dump_source_missing', /nowhere/],
    ['an unknown host', { host: 'no-such-host.invalid' }, 'dump_refused', /no-such-host/],
    ['no name of a database', { databaseName: null }, 'invalid', /name of the MySQL database is missing/],
    ['TLS that the server does not offer', { useSsl: true }, 'dump_refused', /does not offer it/],
    ['a socket that is not there', { host: '/nowhere/my.sock' }, 'dump_refused', /No MySQL server answered/],
  ];
  for (const [name, changes, code, message] of cases) {
    test(name, async () => {
      const backup = await backUp(changes);
      expect(backup.error).toMatchObject({ code, step: 'connect' });
      expect(backup.error?.message).toMatch(message);
      expect(JSON.stringify(backup.raw)).not.toContain(JSON.stringify(PASSWORD).slice(1, -1));
    });
  }

  test('a port where nobody listens', async () => {
    const backup = await backUp({ port: await freePort() });
    expect(backup.error).toMatchObject({ code: 'dump_refused', step: 'connect' });
  });

  test('a user who would not see the triggers', async () => {
    await mariadb.query(
      `CREATE USER half@'%' IDENTIFIED BY 'p'; GRANT SELECT, SHOW VIEW, EVENT, EXECUTE ON orders.* TO half@'%'`,
    );
    const backup = await backUp({ username: 'half', password: 'p' });
    expect(backup.error).toMatchObject({ code: 'dump_refused', step: 'connect' });
    expect(backup.error?.message).toContain('TRIGGER');
  });

  test('a host without the dump tool', async () => {
    await bed.sshd.insideHost(
      'for tool in mariadb-dump mysqldump; do mount --bind /dev/null "$(readlink -f /usr/bin/$tool)"; done',
    );
    try {
      const backup = await backUp({});
      expect(backup.error).toMatchObject({ code: 'dump_tool_missing', step: 'connect' });
      expect(backup.error?.message).toMatch(/mariadb-client/);
    } finally {
      await bed.sshd.insideHost('umount /usr/bin/mariadb-dump; umount /usr/bin/mariadb-dump || true');
    }
  });
});

describe('what breaks a dump of MariaDB half-way fails the run', () => {
  const halfWay = async (act: (backupId: string) => Promise<unknown>) =>
    actHalfWay(bed, await addDatabase({ databaseName: 'many orders' }), act);

  test('mariadb-dump is killed', async () => {
    const backup = await halfWay(() => bed.sshd.insideHost('pkill -9 mariadb-dump'));
    expect(backup).toMatchObject({ status: 'failed', error: { step: 'dump' } });
  });

  test('the MariaDB server ends the connection', async () => {
    const backup = await halfWay(async () => {
      const id = await until('the server to wait for the dump', 20_000, async () => {
        const [row] = await mariadb.query(
          `SELECT id FROM information_schema.PROCESSLIST WHERE db = 'many orders' AND state = 'Writing to net'`,
        );
        return row?.[0];
      });
      await mariadb.query(`KILL ${id}`);
    });
    expect(backup).toMatchObject({ status: 'failed', error: { step: 'dump', code: 'dump_failed' } });
    expect(backup.error?.message).toContain('ended the connection');
  });

  test('the SSH connection is cut', async () => {
    const backup = await halfWay(() => bed.sshd.dropConnections());
    expect(backup).toMatchObject({ status: 'failed', error: { step: 'dump', code: 'host_dropped' } });
  });

  test('the run is cancelled', async () => {
    const backup = await halfWay((id) => bed.app.ask('POST', `/api/backups/${id}/cancel`, {}));
    expect(backup).toMatchObject({ status: 'failed', outcome: 'cancelled' });
    await until('the dump to be gone from the host', 20_000, async () => {
      const running = await bed.sshd.insideHost('pgrep mariadb-dump || true');
      return running === '';
    });
  });
});

test('the password of MariaDB is in no command line, environment, log or answer', async () => {
  const backupId = await bed.app.startBackup(await addDatabase({}));
  const seen = new Set<string>();
  let isOver = false;
  const ended = bed.app.untilEnded(backupId).finally(() => {
    isOver = true;
  });
  while (!isOver) {
    for (const { command, environment } of await bed.sshd.visible()) seen.add(command).add(environment);
    // The app shares this process.
    await pause(10);
  }
  const backup = await ended;
  expect(backup.status).toBe('completed');
  const visible = [...seen].join('\n');
  expect(visible).toContain('mariadb-dump');
  const forms = [PASSWORD, JSON.stringify(PASSWORD).slice(1, -1), Buffer.from(PASSWORD).toString('base64')];
  for (const text of [visible, bed.app.log.join('\n'), JSON.stringify(backup.raw)]) {
    for (const form of forms) expect(text).not.toContain(form);
    expect(text).not.toContain('p4ss');
  }
});
