import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { checksums, fillDatabase } from '../support/postgres-data.ts';
import { type RestoreBed, startRestoreBed } from './bed.ts';

let bed: RestoreBed;
let source: string;
let expected: Awaited<ReturnType<typeof checksums>>;

beforeAll(async () => {
  bed = await startRestoreBed();
  source = bed.name('shop');
  await bed.postgres.createDatabase(source);
  await fillDatabase(bed.postgres, source, 1);
  expected = await checksums(bed.postgres, source);
});
afterEach(() => bed.bucket.faults.clear());
afterAll(() => bed.close());

const SHAPES = [
  { backupFormat: 'plain', backupCompression: 'zstd' },
  { backupFormat: 'custom', backupCompression: 'gzip' },
  { backupFormat: 'custom', backupCompression: 'zstd' },
  { backupFormat: 'tar', backupCompression: 'none' },
] as const;

vi.setConfig({ testTimeout: 120_000 });

describe('a backup of PostgreSQL', () => {
  it.each(SHAPES)('comes back equal: $backupFormat, $backupCompression', async (shape) => {
    const backup = await bed.backUpOf(await bed.source(source, shape));
    const newName = bed.name(`back ${shape.backupFormat}`);
    const { run, restore, message } = await bed.restore(backup, { newName });
    expect(message).toBe('');
    expect(run).toMatchObject({ kind: 'restore', state: 'completed', progress: 100, error: null });
    expect(restore).toMatchObject({ newName, state: 'done', loadedMs: expect.any(Number) });
    expect(await checksums(bed.postgres, newName)).toEqual(expected);
    await bed.postgres.dropDatabase(newName);
  });
});
