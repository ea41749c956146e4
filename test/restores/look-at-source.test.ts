import { describe, expect, it } from 'vitest';
import type { Stored } from '../../src/backups/stored.ts';
import { AppError } from '../../src/errors.ts';
import { lookAtSource } from '../../src/restores/look-at-source.ts';

const SOURCE: Pick<Stored, 'key' | 'versionId' | 'bytes' | 'sha256'> = {
  ...{ key: 'shöp/a b.sql', versionId: 'v"1', bytes: 61_000, sha256: 'ab'.repeat(32) },
};
type Head = Awaited<ReturnType<Parameters<typeof lookAtSource>[0]['head']>>;

const look = (head: () => Promise<Head>, change: Partial<typeof SOURCE> = {}) =>
  lookAtSource({ label: 'the bucket “x”', head }, { ...SOURCE, ...change }, new AbortController().signal);
const lying =
  (change: Partial<NonNullable<Head>> = {}) =>
  async () => ({
    ...{ bytes: 61_000, token: null, etag: null, versionId: 'v"1' },
    ...change,
  });

describe('what is to be restored', () => {
  it('is there, whole by its size', async () => {
    expect(await look(lying())).toEqual({
      ...{ name: 'Backup', ok: true },
      says: 'It is there, with all its 61000 bytes; its SHA-256 is known.',
    });
    expect((await look(lying(), { sha256: null })).says).toContain('only size and end can be compared');
  });

  it('is not there any more, or something else is: that is damage', async () => {
    const gone = await look(async () => null);
    expect(gone).toMatchObject({ ok: false, obstacle: 'damaged' });
    expect(gone.says).toBe('It is not there any more: nothing lies at shöp/a b.sql in the bucket “x”.');
    expect(await look(lying({ bytes: 61_001 }))).toEqual({
      ...{ name: 'Backup', ok: false, obstacle: 'damaged' },
      says: 'It has 61001 bytes instead of 61000: something else lies there.',
    });
  });

  it('lies in an archive: it is whole, and can’t be read now', async () => {
    const archived = await look(lying({ archive: 'GLACIER' }));
    expect(archived).not.toHaveProperty('obstacle');
    expect(archived).toMatchObject({
      ok: false,
      says: expect.stringContaining('(GLACIER). Have the storage'),
    });
  });

  it('is not judged where the storage refuses the look', async () => {
    const refusal = new AppError('storage_denied', 'The storage refused (403).');
    await expect(look(() => Promise.reject(refusal))).rejects.toBe(refusal);
  });
});
