import { newId } from '../../../src/ids.ts';
import { CHECK_NAMES } from '../../../src/object-stores/deep-test/result.ts';
import { putRestoreLogin } from '../../../src/restores/restore-logins.ts';
import { saveBlackouts } from '../../../src/schedules/server-blackouts.ts';
import type { Services } from '../../../src/services-port.ts';
import { createServiceAccount } from '../../../src/tokens/service-accounts.ts';
import { createToken } from '../../../src/tokens/tokens.ts';

/** Rows of a page. */
export const MANY = 50;
const NAME = 'Größe + "x" 🐘';

/** To a filled installation whatever it has few of, as many as a page shows: people, tokens of accounts and of that user, restrictions of a server. */
export async function fillLists(services: Services, userId: string): Promise<{ readonly serverId: string }> {
  const actor = { userId: null, address: null };
  const { id: serverId } = await services.db
    .selectFrom('servers')
    .select('id')
    .limit(1)
    .executeTakeFirstOrThrow();
  await addPeople(services);
  for (let number = 0; number < MANY; number += 1) {
    const account = { name: `account-${number}`, description: NAME, role: 'operator' } as const;
    const { id } = await createServiceAccount(services, actor, account);
    const token = { name: NAME, role: 'operator', access: 'backups', allEnvironments: true } as const;
    for (const owner of [{ serviceAccountId: id }, { userId }]) {
      await createToken(services, actor, owner, { ...token, expiresInDays: 90 });
    }
  }
  const blackout = { weekdays: [1, 2, 3, 4, 5], from: '08:00', until: '09:30', reason: NAME };
  await saveBlackouts(services, actor, serverId, new Array(MANY).fill(blackout));
  const login = { username: NAME, password: 'x', tlsMode: 'off', tlsCa: null } as const;
  for (const engine of ['postgres', 'mysql']) {
    await putRestoreLogin(services, actor, { serverId, engine }, login);
  }
  await addDeepTest(services);
  return { serverId };
}

async function addPeople({ db, now }: Services): Promise<void> {
  const at = now().toISOString();
  const users = Array.from({ length: MANY }, (_, number) => ({
    ...{ id: newId(), email: `user-${number}@example.com`, name: NAME, role: 'operator' as const },
    ...{ password_hash: '', last_active_at: at, created_at: at, updated_at: at },
  }));
  await db.insertInto('users').values(users).execute();
}

/** What it found in three buckets, where all is well. */
async function addDeepTest({ db, now }: Services): Promise<void> {
  const { endpoint, buckets } = await db
    .selectFrom('spaces_config')
    .select(['endpoint', 'buckets'])
    .executeTakeFirstOrThrow();
  const at = now().toISOString();
  const message = 'It was stored as it was sent, and its sum is the one that was asked for.';
  const checks = Object.keys(CHECK_NAMES).map((id) => ({ id, outcome: 'ok', message, requestId: null }));
  const tested = (JSON.parse(buckets) as readonly string[]).map((bucket) => ({
    ...{ bucket, prefix: '', durationMs: 900, checks, left: [], versioning: 'off', objectLock: null },
    ...{ storageClass: null, clockOffsetMs: 0, writtenBytes: 2 ** 24, removedFromEarlier: 0 },
    ...{ uploadBytesPerSecond: 2e8, downloadBytesPerSecond: 2e8 },
  }));
  const result = { endpoint, provider: 'Another', source: 'configured', problems: [], lost: [] };
  await db
    .insertInto('storage_probes')
    .values({
      ...{ id: newId(), endpoint, cause: 'asked', started_at: at, finished_at: at },
      result: JSON.stringify({ ...result, buckets: tested }),
    })
    .execute();
}
