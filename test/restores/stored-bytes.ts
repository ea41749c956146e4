import type { EndedBackup, Installation } from '../support/installation.ts';

/** What lies in the storage of a backup, as it lies there. */
export async function storedBytes({ services }: Installation, backup: EndedBackup): Promise<Buffer> {
  const object = await services.db
    .selectFrom('backup_objects')
    .selectAll()
    .where('backup_id', '=', backup.id)
    .where('kind', '=', 'dump')
    .executeTakeFirstOrThrow();
  const { store, close } = await services.openPlace(object);
  const chunks: Uint8Array[] = [];
  for await (const chunk of await store.get(object.key)) chunks.push(chunk.slice());
  await close();
  return Buffer.concat(chunks);
}
