import type { Db } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { insertLeftover } from '../../src/leftovers/insert-leftover.ts';

/** Something that a run left behind then. */
export async function addLeftover(db: Db, at: Date): Promise<void> {
  const left = { backup_id: null, kind: 'object', endpoint: 'https://s3.example.com', region: null } as const;
  const place = { bucket: 'b', key: 'größe + "x" 🗝', upload_id: null, version_id: null };
  await write(db, (trx) => insertLeftover(trx, { ...left, ...place }, at, 0));
}
