import { createHash } from 'node:crypto';
import type { EndedBackup } from '../support/installation.ts';
import type { RestoreBed } from './bed.ts';
import { storedBytes } from './stored-bytes.ts';

/**
 * As somebody would who writes into the bucket and into our records: size and hash fit to what lies there. Gives what puts all back
 * as it was.
 */
export async function forge(
  { app }: Pick<RestoreBed, 'app'>,
  backup: EndedBackup,
  change: (bytes: Buffer) => Buffer,
): Promise<() => Promise<void>> {
  const { db, openPlace } = app.services;
  const object = await db
    .selectFrom('backup_objects')
    .selectAll()
    .where('backup_id', '=', backup.id)
    .where('kind', '=', 'dump')
    .executeTakeFirstOrThrow();
  const bytes = change(await storedBytes(app, backup));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const key = `${backup.storagePath}.${sha256}`;
  const signal = new AbortController().signal;
  const { store, close } = await openPlace(object);
  await store.put(
    key,
    (async function* () {
      yield bytes;
    })(),
    { signal, token: 'forged', contentType: 'text/plain', fileName: 'forged' },
  );
  await close();
  const set = async (to: { key: string; size: number; sha256: string | null }) => {
    await db.updateTable('backup_objects').set({ key: to.key }).where('id', '=', object.id).execute();
    const { size, sha256: hash } = to;
    await db.updateTable('backups').set({ size, sha256: hash }).where('id', '=', backup.id).execute();
  };
  await set({ key, size: bytes.length, sha256 });
  return () => set({ key: backup.storagePath, size: backup.size, sha256: backup.sha256 });
}
