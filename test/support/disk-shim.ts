import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** How a disk or a file system can be; the words of `disk-shim.c`. */
export type Trouble = 'full' | 'quota' | 'failing' | 'readonly' | 'nolock' | 'nommap';

/** Makes the files of one folder behave as on a bad disk, for processes that are started with `env`. */
export interface DiskShim {
  readonly env: Readonly<Record<string, string>>;
  begin(trouble: Trouble): void;
  end(): void;
  remove(): void;
}

export async function createDiskShim(folder: string): Promise<DiskShim> {
  const own = mkdtempSync(join(tmpdir(), 'shim-'));
  const library = join(own, 'shim.so');
  const flag = join(own, 'trouble');
  await run('gcc', [
    '-shared',
    '-fPIC',
    '-O1',
    '-o',
    library,
    join(import.meta.dirname, 'disk-shim.c'),
    '-ldl',
  ]);
  return {
    env: { LD_PRELOAD: library, SHIM_DIR: folder, SHIM_FLAG: flag },
    begin: (trouble) => writeFileSync(flag, trouble),
    end: () => rmSync(flag, { force: true }),
    remove: () => rmSync(own, { recursive: true }),
  };
}
