import type { User } from '../../src/auth/users.ts';
import type { BackupRow, DatabaseRow, LeftoverRow } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { newId } from '../../src/ids.ts';
import type { Services } from '../../src/services-port.ts';
import { BUCKETS, ENDPOINT } from './catalog.ts';
import { inParts } from './in-parts.ts';

const MINUTE_MS = 60_000;

/** What lies around backups: leftovers, sessions (most of them over) and the audit; more of them with more backups. */
export async function fillAround(
  { db, now }: Services,
  fill: {
    readonly databases: readonly DatabaseRow[];
    readonly backups: readonly Pick<BackupRow, 'id' | 'database_id' | 'storage_path' | 'created_at'>[];
    readonly admin: User;
    readonly random: () => number;
  },
): Promise<void> {
  const { databases, backups, admin, random } = fill;
  const present = now().getTime();
  const ago = (mostMs: number) => new Date(present - Math.floor(random() * mostMs)).toISOString();
  const of = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)];

  const leftovers = rowsFor(backups.length / 100, () => {
    const backup = of(backups);
    const kind = (['upload', 'object', 'upload'] as const)[Math.floor(random() * 3)] ?? 'object';
    return {
      ...{ id: newId(), backup_id: backup?.id ?? null, kind, endpoint: ENDPOINT, region: 'eu-central-1' },
      ...{ bucket: BUCKETS[1], key: backup?.storage_path ?? 'x', version_id: null },
      upload_id: kind === 'upload' ? newId() : null,
      tries: Math.floor(random() * 12),
      last_error: 'https://127.0.0.1:9 did not answer: connect ECONNREFUSED 127.0.0.1:9.',
      created_at: ago(90 * 24 * 60 * MINUTE_MS),
      next_try_at: new Date(present + Math.floor((random() - 0.02) * 60 * MINUTE_MS)).toISOString(),
    } satisfies LeftoverRow;
  });
  const sessions = rowsFor(backups.length / 10, () => {
    const createdAt = ago(30 * 24 * 60 * MINUTE_MS);
    const kind = random() < 0.5 ? ('api' as const) : ('ui' as const);
    const expiresAt = new Date(Date.parse(createdAt) + 7 * 24 * 60 * MINUTE_MS).toISOString();
    return { id: newId(), user_id: admin.id, kind, created_at: createdAt, expires_at: expiresAt };
  });
  const audit = rowsFor(backups.length / 2, () => {
    const database = of(databases);
    return {
      ...{ id: newId(), action: 'backup', resource_type: 'database', resource_id: database?.id ?? null },
      ...{
        resource_name: database?.name ?? null,
        details: '{"backupId":"c"}',
        success: 1 as const,
        error: null,
      },
      ...{ created_at: ago(365 * 24 * 60 * MINUTE_MS), user_id: admin.id, address: '127.0.0.1' },
      environment_id: database?.environment_id ?? null,
    };
  });
  await write(db, async (trx) => {
    for (const rows of inParts(leftovers)) await trx.insertInto('leftovers').values(rows).execute();
    for (const rows of inParts(sessions)) await trx.insertInto('sessions').values(rows).execute();
    for (const rows of inParts(audit)) await trx.insertInto('audit_logs').values(rows).execute();
  });
}

function rowsFor<T>(count: number, make: () => T): readonly T[] {
  return Array.from({ length: Math.floor(count) }, make);
}
