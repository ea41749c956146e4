import { copyFile, writeFile } from 'node:fs/promises';
import { startPostgres } from '../test/support/postgres.ts';
import { type Sshd, startSshd } from '../test/support/sshd.ts';
import type { Json } from './api.ts';
import { writeDumpText } from './dump-text.ts';
import { GIB, MIB } from './figures.ts';
import { peakRss } from './measure.ts';
import { startSite } from './site.ts';
import { newFolder, type Storage } from './storage.ts';

export interface MemoryFigures {
  readonly name: string;
  /** Of one dump. */
  readonly dumpBytes: number;
  readonly seconds: number;
  /** Of the app's process since its start. */
  readonly peakRssBytes: number;
}

export interface MemoryCase {
  readonly name: string;
  readonly mebibytes: number;
  readonly compression: 'none' | 'gzip' | 'zstd';
  /** Backups at the same time. */
  readonly atOnce: number;
}

const BLOCK_MIB = 64;
const WITHIN_MS = 20 * 60_000;

/** The app's peak memory for synthetic dumps over a real sshd: one app for each case, since a peak is for ever. */
export async function benchMemory(
  storage: Storage,
  options: { readonly cases: readonly MemoryCase[]; readonly say: (line: string) => void },
): Promise<readonly MemoryFigures[]> {
  const postgres = await startPostgres();
  const sshd = await startSshd();
  try {
    await postgres.createDatabase('synthetic');
    await putFakeDump(sshd, postgres.programs);
    const figures: MemoryFigures[] = [];
    for (const one of options.cases) {
      await sshd.insideHost(`echo ${Math.round(one.mebibytes / BLOCK_MIB)} >/var/backups/blocks`);
      const site = await startSite(storage, sshd, postgres);
      const databases: string[] = [];
      for (let number = 0; number < one.atOnce; number += 1) {
        databases.push(await site.addDatabase('synthetic', compressed(one)));
      }
      const startedAt = performance.now();
      const backups = await Promise.all(databases.map((id) => site.api.backUp(id, WITHIN_MS)));
      const figure = {
        name: one.name,
        dumpBytes: Number(backups[0]?.['bytesRead']),
        seconds: (performance.now() - startedAt) / 1000,
        peakRssBytes: peakRss(site.app.pid),
      };
      await site.app.stop();
      options.say(
        `memory: ${one.name}: ${(figure.dumpBytes / GIB).toFixed(2)} GiB in ${figure.seconds.toFixed(0)} s, peak ${(figure.peakRssBytes / MIB).toFixed(0)} MiB`,
      );
      figures.push(figure);
    }
    return figures;
  } finally {
    await sshd.stop();
    await postgres.stop();
  }
}

function compressed({ compression }: MemoryCase): Json {
  return compression === 'none'
    ? { backupCompression: 'none' }
    : { backupCompression: compression, backupCompressionLevel: 3 };
}

/**
 * In the host's view of the files, a pg_dump that writes rows without end takes the real one's place; head and tail
 * are a real dump's, so that its end proof holds.
 */
async function putFakeDump(sshd: Sshd, programs: string): Promise<void> {
  const block = `${await newFolder()}/block.sql`;
  await writeDumpText(block, BLOCK_MIB);
  await copyFile(block, sshd.hostPath('/var/backups/block.sql'));
  await writeFile(sshd.hostPath('/var/backups/pg_dump'), FAKE_DUMP, { mode: 0o755 });
  await sshd.insideHost(
    `chmod 755 /var/backups/pg_dump; chmod 644 /var/backups/block.sql
     version=$(${programs}/pg_dump --version); printf '%s\\n' "$version" >/var/backups/version
     mount --bind /var/backups/pg_dump ${programs}/pg_dump`,
  );
}

const FAKE_DUMP = `#!/bin/sh
[ "$1" != --version ] || exec cat /var/backups/version
printf -- '--\\n-- PostgreSQL database dump\\n--\\n\\n\\\\restrict syntheticdumpsyntheticdump\\n\\n'
blocks=$(cat /var/backups/blocks)
while [ "$blocks" -gt 0 ]; do cat /var/backups/block.sql || exit; blocks=$((blocks - 1)); done
printf -- '\\n--\\n-- PostgreSQL database dump complete\\n--\\n\\n\\\\unrestrict syntheticdumpsyntheticdump\\n\\n'
`;
