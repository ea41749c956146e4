import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const bundle = (contents: string) =>
  build({
    stdin: { contents, resolveDir: fileURLToPath(new URL('..', import.meta.url)), loader: 'ts' },
    bundle: true,
    write: false,
    metafile: true,
    // Knows no Node: an import of a module or a native package of it does not resolve.
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['import'],
    format: 'esm',
    jsx: 'automatic',
    jsxImportSource: 'hono/jsx',
    logLevel: 'silent',
  });

describe('the app', () => {
  it('bundles for a platform that is not Node, with everything it imports', async () => {
    const { metafile } = await bundle(`export { createApp } from './src/app.ts';`);
    const inputs = Object.keys(metafile.inputs);
    expect(inputs).toContain('src/storage/storage.ts');
    expect(inputs).toContain('src/engines/postgres/postgres.ts');
    expect(inputs.filter((input) => /^node:|better-sqlite3|ssh2|undici|\/node\//.test(input))).toEqual([]);
  });

  it('takes the S3 client along', async () => {
    await bundle(`export { createS3 } from './src/object-stores/s3/client.ts';`);
  });

  it('would not bundle so with a module of Node in it', async () => {
    await expect(bundle(`export { createPasswords } from './src/auth/node/passwords.ts';`)).rejects.toThrow(
      'Could not resolve "node:crypto"',
    );
  });

  it('uses no global of Node', async () => {
    const { metafile } = await bundle(`export { createApp } from './src/app.ts';`);
    const { readFile } = await import('node:fs/promises');
    const ours = Object.keys(metafile.inputs).filter((input) => /^(src|views)\//.test(input));
    const users = [];
    for (const input of ours) {
      const text = await readFile(new URL(`../${input}`, import.meta.url), 'utf8');
      if (/\b(Buffer\.|process\.|setImmediate\(|__dirname)/.test(text)) users.push(input);
    }
    expect(users).toEqual([]);
  });
});
