import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contentOf, fillNasty } from '../engines/sqlite-data.ts';
import { TO_BUCKET } from '../faults/bed.ts';
import type { TestMariadb } from '../support/mariadb.ts';
import { fillMariadb, mariadbChecksums } from '../support/mariadb-data.ts';
import { checksums, fillDatabase } from '../support/postgres-data.ts';
import { addHurtfulData, schemaOf } from '../support/postgres-hurt.ts';
import { isOthers, ownName } from '../support/shared/ask.ts';
import { sharedMariadb } from '../support/shared/mariadb.ts';
import { type RestoreBed, startRestoreBed } from './bed.ts';
import { intoByHand } from './into-by-hand.ts';

/** Where a backup lies, how it is compressed, and for PostgreSQL and SQLite in which format. */
export interface Shape {
  readonly backupFormat: string;
  readonly backupCompression: 'none' | 'gzip' | 'zstd';
  readonly place: 'bucket' | 'host';
}

export interface Shapes {
  readonly postgres: readonly Shape[];
  readonly mysql: readonly Shape[];
  readonly sqlite: readonly Shape[];
}

const LOCAL = { backupStorageType: 'local', backupLocalPath: '/var/backups/kept' } as const;
const PATIENCE_MS = 300_000;

const optionsOf = ({ backupFormat, backupCompression, place }: Shape) => ({
  ...{ backupFormat, backupCompression },
  ...(place === 'bucket' ? TO_BUCKET : LOCAL),
});

/** Every combination. */
export function allShapes(formats: readonly string[]): readonly Shape[] {
  const compressions = ['none', 'gzip', 'zstd'] as const;
  const places = ['bucket', 'host'] as const;
  return formats.flatMap((backupFormat) =>
    compressions.flatMap((backupCompression) =>
      places.map((place) => ({ backupFormat, backupCompression, place })),
    ),
  );
}

/**
 * Data chosen to hurt, backed up over SSH in each shape and restored through the API: what is there afterwards has the same
 * definitions, and in each table the same rows.
 */
export function proveRestores(shapes: Shapes): void {
  let bed: RestoreBed;
  beforeAll(async () => {
    bed = await startRestoreBed();
  }, PATIENCE_MS);
  afterAll(() => bed?.close());

  describe('a backup of PostgreSQL', () => {
    let source: string;
    let expected: Awaited<ReturnType<typeof checksums>>;
    let schema: string;
    beforeAll(async () => {
      source = bed.name('shop');
      await bed.postgres.createDatabase(source);
      await fillDatabase(bed.postgres, source, 1);
      await addHurtfulData(bed.postgres, source);
      expected = await checksums(bed.postgres, source);
      schema = await schemaOf(bed.postgres, source);
    }, PATIENCE_MS);

    it.each(shapes.postgres)(
      'comes back equal: $backupFormat, $backupCompression, on a $place',
      async (shape) => {
        const backup = await bed.backUpOf(await bed.source(source, optionsOf(shape)));
        const newName = bed.name(`back ${shape.backupFormat}`);
        const { run, restore, message } = await bed.restore(backup, { newName });
        expect(message).toBe('');
        expect(run).toMatchObject({ kind: 'restore', state: 'completed', progress: 100, error: null });
        expect(restore).toMatchObject({ newName, state: 'done', loadedMs: expect.any(Number) });
        const analyzed = `SELECT count(*)::int AS columns FROM pg_stats WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`;
        const [{ columns } = {}] = await bed.postgres.query(analyzed, newName);
        expect(columns).toBeGreaterThan(10);
        expect(await checksums(bed.postgres, newName)).toEqual(expected);
        expect(await schemaOf(bed.postgres, newName)).toBe(schema);
        await bed.postgres.dropDatabase(newName);
        if (shape.backupFormat !== 'plain') return;
        await intoByHand(bed, backup, bed.postgres, newName);
        expect(await checksums(bed.postgres, newName)).toEqual(expected);
        await bed.postgres.dropDatabase(newName);
      },
      PATIENCE_MS,
    );
  });

  describe('a backup of MariaDB', () => {
    const [source, newName] = [ownName('shop ü + 1'), ownName('back ü + `%20` 1')];
    let mariadb: TestMariadb;
    let expected: Awaited<ReturnType<typeof mariadbChecksums>>;
    beforeAll(async () => {
      mariadb = await sharedMariadb();
      await mariadb.createDatabase(source);
      await fillMariadb(mariadb, source, 0.2);
      expected = await mariadbChecksums(mariadb, source);
    }, PATIENCE_MS);
    afterAll(async () => {
      for (const name of [source, newName]) await mariadb?.dropDatabase(name);
      await mariadb?.stop();
    });

    it.each(shapes.mysql)(
      'comes back equal: $backupCompression, on a $place',
      async (shape) => {
        const id = await bed.addDatabase({
          ...{ name: `${shape.place} ${shape.backupCompression}`, type: 'mysql', host: '127.0.0.1' },
          ...{ port: mariadb.port, databaseName: source, ...mariadb.superuser, ...optionsOf(shape) },
        });
        const backup = await bed.backUpOf(id);
        const ended = await bed.restore(backup, { newName });
        expect([ended.run['state'], ended.message]).toEqual(['completed', '']);
        expect(await mariadbChecksums(mariadb, newName)).toEqual(expected);
        // In place a person swaps, by statements that name both.
        const { name } = await bed.app.services.db
          .selectFrom('databases')
          .select('name')
          .where('id', '=', id)
          .executeTakeFirstOrThrow();
        const inPlace = { inPlace: true, confirm: name };
        expect(await bed.app.call('POST', `/api/backups/${backup.id}/restore`, inPlace)).toMatchObject({
          status: 400,
          body: { field: 'inPlace' },
        });
        const { swap } = await bed.app.ask('GET', `/api/restores/${ended.run['id']}/swap`);
        const { check, statements } = swap as Readonly<Record<string, string>>;
        for (const of of [source, newName].map((text) => text.replaceAll('`', '``'))) {
          expect(`${check}${statements}`).toContain(of);
        }
        await mariadb.dropDatabase(newName);
        await intoByHand(bed, backup, mariadb, newName);
        expect(await mariadbChecksums(mariadb, newName)).toEqual(expected);
        await mariadb.dropDatabase(newName);

        const names = await mariadb.query('SHOW DATABASES');
        const { runId } = await bed.app.ask('POST', `/api/backups/${backup.id}/drill`, {});
        const drilled = await bed.ended(String(runId));
        expect(drilled.message).toBe('');
        expect(drilled.run['drill']).toMatchObject({ outcome: 'proven', restoreMs: expect.any(Number) });
        const mine = ([of = '']: readonly string[]) =>
          !isOthers(of) && (!of.startsWith('bp_drill_') || of.includes(String(drilled.newName)));
        expect((await mariadb.query('SHOW DATABASES')).filter(mine)).toEqual(names.filter(mine));
      },
      PATIENCE_MS,
    );
  });

  describe('a backup of SQLite in WAL mode', () => {
    const file = '/var/backups/nasty ü + 😀.sqlite';
    /** SQLite follows the link that leads to the files of the host, so it is handed copies. */
    const contentOn = (path: string) => {
      const copy = join(folder, 'copy.sqlite');
      copyFileSync(bed.sshd.hostPath(path), copy);
      return contentOf(copy);
    };
    const folder = mkdtempSync(join(tmpdir(), 'round-trips-'));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    let expected: ReturnType<typeof contentOf>;
    beforeAll(async () => {
      const made = join(folder, 'made.sqlite');
      const db = new Database(made);
      fillNasty(db, { withExactValues: false });
      db.pragma('journal_mode = WAL');
      db.close();
      copyFileSync(made, bed.sshd.hostPath(file));
      await bed.sshd.insideHost(`chmod 666 '${file}'`);
      expected = contentOn(file);
    });

    it.each(shapes.sqlite)(
      'comes back equal: $backupFormat, $backupCompression, on a $place',
      async (shape) => {
        const newName = `${file} + back ${shape.backupFormat} ${shape.backupCompression} ${shape.place}`;
        const name = `file ${shape.backupFormat} ${shape.backupCompression} ${shape.place}`;
        const id = await bed.addDatabase({ name, type: 'sqlite', filePath: file, ...optionsOf(shape) });
        const ended = await bed.restore(await bed.backUpOf(id), { newName });
        expect([ended.run['state'], ended.message]).toEqual(['completed', '']);
        expect(contentOn(newName)).toEqual(expected);
        expect(await bed.sshd.insideHost('ls -A /var/backups')).not.toContain('.bridgeport-restore-');
      },
      PATIENCE_MS,
    );
  });
}
