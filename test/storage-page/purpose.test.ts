import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** What the storage is for, and what not, by the source itself: who writes to it. */

const SOURCE = new URL('../../src/', import.meta.url).pathname;

describe('the storage', () => {
  it('is written by backup runs and by the deep test of a bucket, and by nothing else', async () => {
    const writers: string[] = [];
    for (const file of await readdir(SOURCE, { recursive: true })) {
      if (!/\.tsx?$/.test(file) || file.startsWith('object-stores/s3/')) continue;
      const text = await readFile(join(SOURCE, file), 'utf8');
      if (/\b(store|bucket|objectStore)\.put\(|\b(putObject|putWhole|putMultipart)\(/.test(text))
        writers.push(file);
    }
    // A backup is its dump and the manifest beside it.
    expect(writers.filter((file) => !file.startsWith('object-stores/deep-test/')).sort()).toEqual([
      'backups/node/run-backup.ts',
      'backups/write-manifest.ts',
    ]);
  });

  it('is reached by no SDK: aws4fetch signs, and the requests are our own', async () => {
    const { dependencies } = JSON.parse(await readFile(join(SOURCE, '../package.json'), 'utf8'));
    expect(Object.keys(dependencies)).toContain('aws4fetch');
    expect(Object.keys(dependencies).filter((name) => name.startsWith('@aws-sdk/'))).toEqual([]);
  });
});
