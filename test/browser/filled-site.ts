import { fill, LOGIN } from '../../dev/fill/fill.ts';
import type { Db } from '../../src/db/schema.ts';
import { createServiceAccount } from '../../src/tokens/service-accounts.ts';
import { createToken } from '../../src/tokens/tokens.ts';
import { insertBackup } from '../support/backup-row.ts';
import { type Site, startSite } from './site.ts';

const SIZE = { environments: 3, servers: 4, databases: 60, backups: 600 };
/** As long as names may be, with no place to break the line and with many. */
export const LONG = {
  ...{ database: `0 ${'W'.repeat(98)}`, environment: `0 ${'W'.repeat(48)}` },
  spaced: '0 Größe + "x" 😀 مرحبا <b> '.repeat(4).slice(0, 100),
};

/** An installation as years of use leave it, whose worker does nothing, and what there is of each kind. */
export interface FilledSite {
  readonly site: Site;
  /** Of a backup that another process has, and that goes on for an hour. */
  readonly runId: string;
  /** Of one database with a long name and of what is around it; `failing`: of another. */
  readonly ids: Readonly<
    Record<'database' | 'failing' | 'environment' | 'server' | 'backup' | 'user', string>
  >;
}

export async function startFilledSite(): Promise<FilledSite> {
  const site = await startSite();
  const { db } = site.services;
  await fill(site.services, SIZE);
  const at = new Date();
  const over = { state: 'failed', ended_at: at.toISOString() } as const;
  await db.updateTable('runs').set(over).where('state', 'in', ['pending', 'running', 'uncertain']).execute();
  // Alone with its state, a worker takes what another process left; here nobody is to.
  await site.services.worker.stop(5_000);
  const { id: runId } = await insertBackup(db, at, {
    ...{ status: 'in_progress', outcome: null, claimed_by: 'another process', step: 'dump' },
    lease_until: new Date(at.getTime() + 3_600_000).toISOString(),
  });
  const row = await db
    .selectFrom('databases')
    .select(['id', 'environment_id', 'server_id'])
    .where('server_id', 'is not', null)
    .where('type', '=', 'postgres')
    .orderBy('name')
    .executeTakeFirstOrThrow();
  await nameAtLength(db, row.id, row.environment_id);
  const backup = await db
    .selectFrom('backups')
    .select('id')
    .where('database_id', '=', row.id)
    .where('status', '=', 'completed')
    .executeTakeFirstOrThrow();
  const failed = await db
    .selectFrom('newest_backups')
    .select('database_id')
    .whereRef('ended_id', '!=', 'good_id')
    .executeTakeFirstOrThrow();
  const user = await db
    .selectFrom('users')
    .select('id')
    .where('email', '=', LOGIN.email)
    .executeTakeFirstOrThrow();
  const ids = {
    ...{ database: row.id, environment: row.environment_id },
    ...{ server: row.server_id ?? '', backup: backup.id },
    ...{ failing: failed.database_id, user: user.id },
  };
  await addTokens(site, ids);
  return { site, runId, ids };
}

/** That environment and two of its databases. */
async function nameAtLength(db: Db, databaseId: string, environmentId: string): Promise<void> {
  const other = await db
    .selectFrom('databases')
    .select('id')
    .where('environment_id', '=', environmentId)
    .where('id', '!=', databaseId)
    .executeTakeFirstOrThrow();
  for (const [id, name] of [
    [databaseId, LONG.database],
    [other.id, LONG.spaced],
  ] as const)
    await db.updateTable('databases').set({ name }).where('id', '=', id).execute();
  await db
    .updateTable('environments')
    .set({ name: LONG.environment })
    .where('id', '=', environmentId)
    .execute();
}

/** One of the person who looks, and one of a service account. */
async function addTokens({ services }: Site, ids: FilledSite['ids']): Promise<void> {
  const nobody = { userId: null, address: null };
  const robot = await createServiceAccount(services, nobody, { name: 'ci-deploy', role: 'operator' });
  for (const owner of [{ userId: ids.user }, { serviceAccountId: robot.id }]) {
    await createToken(services, nobody, owner, {
      ...{ name: 'Nächtlich auf db2 + "x"', role: 'operator', access: 'backups', expiresInDays: 90 },
      ...{ allEnvironments: false, environmentIds: [ids.environment] },
    });
  }
}
