import { rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';
import { options } from '../../scripts/build.mjs';

const REPOSITORY = resolve(import.meta.dirname, '../..');

/**
 * Bundles a program as the installed ones are: what it imports later is not read before. It lies in the repository, since
 * native packages stay outside, and its chunks beside it, since it reads files that lie beside it. Gives its file.
 */
export async function bundle(name: string, source: string): Promise<string> {
  const outdir = join(REPOSITORY, 'dist/test', `${name}-${process.pid}`);
  await build({
    ...options,
    ...{ entryPoints: { [name]: join(REPOSITORY, source) }, outdir, chunkNames: '[name]-[hash]' },
    ...{ sourcemap: false, define: { __VERSION__: '"0.0.0-test"' } },
  });
  return join(outdir, `${name}.js`);
}

export function removeBundle(program: string): Promise<void> {
  return rm(dirname(program), { recursive: true, force: true });
}
