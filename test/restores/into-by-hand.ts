import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { byHand } from '../support/by-hand.ts';
import type { EndedBackup } from '../support/installation.ts';
import type { RestoreBed } from './bed.ts';
import { storedBytes } from './stored-bytes.ts';

/** A database server, and who may make databases on it. */
interface Server {
  readonly port: number;
  readonly superuser: { readonly username: string; readonly password: string };
}

/** A person with `bridgeport-restore`, the stored file, its manifest and the key of the installation, who makes a database of it. */
export async function intoByHand(
  { app }: Pick<RestoreBed, 'app'>,
  backup: EndedBackup,
  { port, superuser }: Server,
  newName: string,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), `it's by hand "ü" 😀 `));
  try {
    const [file, manifest, password] = [
      join(folder, 'stored'),
      join(folder, 'a.json'),
      join(folder, 'secret'),
    ];
    await writeFile(file, await storedBytes(app, backup));
    const signed = await app.ask('GET', `/api/backups/${backup.id}/manifest`);
    await writeFile(manifest, JSON.stringify(signed));
    await writeFile(password, `${superuser.password}\n`, { mode: 0o600 });
    const { publicKey } = await app.ask('GET', '/api/installation/public-key');
    const { status, said } = await byHand([
      ...[file, '--manifest', manifest, '--public-key', String(publicKey), '--into', newName],
      ...['--host', '127.0.0.1', '--port', String(port), '--user', superuser.username],
      ...['--password-file', password],
    ]);
    expect([status, said]).toEqual([0, expect.stringMatching(/rows, as many as the manifest tells of/)]);
  } finally {
    await rm(folder, { recursive: true });
  }
}
