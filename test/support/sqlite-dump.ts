import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { quote } from '../../src/hosts/quote.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');

/**
 * Our own command for SQLite files as it is installed, bundled once for a test file: it starts in a third of the time that its
 * source takes. The native package stays outside, so it lies in the repository. Gives what a host's shell runs.
 */
export async function buildSqliteDump(name: string): Promise<{ command: string; remove(): void }> {
  const path = join(REPOSITORY, 'dist/test', `sqlite-dump-${name}-${process.pid}.js`);
  await build({
    entryPoints: [join(REPOSITORY, 'src/engines/sqlite/node/dump.ts')],
    outfile: path,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    packages: 'external',
    logLevel: 'warning',
  });
  return {
    command: `${quote(process.execPath)} ${quote(path)}`,
    remove: () => rmSync(path, { force: true }),
  };
}
