import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TO_BUCKET } from '../faults/bed.ts';
import type { TestMariadb } from '../support/mariadb.ts';
import { fillMariadb, mariadbChecksums } from '../support/mariadb-data.ts';
import { ownName } from '../support/shared/ask.ts';
import { sharedMariadb } from '../support/shared/mariadb.ts';
import { type RestoreBed, startRestoreBed } from './bed.ts';

let bed: RestoreBed;
let mariadb: TestMariadb;
const SOURCE = ownName('shop ü + 1');
const RESTORED = ownName('back ü + `%20` 1');

beforeAll(async () => {
  [bed, mariadb] = await Promise.all([startRestoreBed(), sharedMariadb()]);
}, 120_000);
afterAll(async () => {
  for (const name of [SOURCE, RESTORED]) await mariadb?.dropDatabase(name);
  await mariadb?.stop();
  await bed?.close();
});

describe('a restore on a host over SSH', () => {
  it.each(['none', 'zstd'])(
    'makes a SQLite file of its dump, compressed by %s',
    async (backupCompression) => {
      const file = await bed.makeSqlite(`restore me ${backupCompression} ü + 😀.sqlite`, 1);
      const newName = `${file} + back`;
      const source = await bed.addDatabase({
        ...{ name: `file ${backupCompression}`, type: 'sqlite', filePath: file, backupCompression },
        ...TO_BUCKET,
      });
      const ended = await bed.restore(await bed.backUpOf(source), { newName });
      expect([ended.run['state'], ended.message]).toEqual(['completed', '']);
      const both = await bed.sshd.insideHost(
        `for f in '${file}' '${newName}'; do sqlite3 -readonly "$f" 'select count(*), sum(id), sum(length(noise)), max(noise) from t'; done; ls -A /var/backups`,
      );
      const [before, after, ...files] = both.trim().split('\n');
      expect(after).toBe(before);
      expect(files.filter((name) => name.startsWith('.bridgeport-restore-'))).toEqual([]);
    },
    60_000,
  );

  it('makes a database of MariaDB with the same rows', async () => {
    await mariadb.createDatabase(SOURCE);
    await fillMariadb(mariadb, SOURCE, 0.2);
    const source = await bed.addDatabase({
      ...{ name: 'maria', type: 'mysql', host: '127.0.0.1', port: mariadb.port, databaseName: SOURCE },
      ...mariadb.superuser,
      ...TO_BUCKET,
    });
    const ended = await bed.restore(await bed.backUpOf(source), { newName: RESTORED });
    expect([ended.run['state'], ended.message]).toEqual(['completed', '']);
    expect(await mariadbChecksums(mariadb, RESTORED)).toEqual(await mariadbChecksums(mariadb, SOURCE));
  }, 60_000);
});
