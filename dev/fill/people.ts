import type { Actor } from '../../src/audit/audit.ts';
import type { User } from '../../src/auth/users.ts';
import { write } from '../../src/db/write.ts';
import { newId } from '../../src/ids.ts';
import { putRestoreLogin } from '../../src/restores/restore-logins.ts';
import { saveBlackouts } from '../../src/schedules/server-blackouts.ts';
import { SEALED } from '../../src/secrets/sealed.ts';
import type { Services } from '../../src/services-port.ts';
import { createServiceAccount } from '../../src/tokens/service-accounts.ts';
import { createToken } from '../../src/tokens/tokens.ts';
import { ENDPOINT } from './catalog.ts';
import type { Size } from './size.ts';

/** Whom a channel and its deliveries are of. */
export interface Told {
  readonly userIds: readonly string[];
  readonly channels: readonly { readonly id: string; readonly name: string }[];
}

/** One person and one service account with three tokens for fifty databases, and never fewer than three. */
const DATABASES_EACH = 50;
const TOKENS_EACH = 3;
const CHANNELS = 4;

/** Who works with the installation beside its admin, what they let in, and whom it tells; restrictions of some servers. */
export async function fillPeople(
  services: Services,
  actor: Actor,
  fill: { readonly size: Size; readonly admin: User },
): Promise<Told> {
  const count = Math.max(3, Math.floor(fill.size.databases / DATABASES_EACH));
  const userIds = [fill.admin.id, ...(await addUsers(services, count))];
  for (let number = 0; number < count; number += 1) {
    const { id } = await createServiceAccount(services, actor, { name: `robot-${number}`, role: 'operator' });
    for (let token = 0; token < TOKENS_EACH; token += 1) {
      await createToken(
        services,
        actor,
        { serviceAccountId: id },
        {
          ...{ name: `Nächtlich ${token} + "x"`, role: 'operator', access: 'backups', expiresInDays: 90 },
          allEnvironments: true,
        },
      );
    }
  }
  await restrictServers(services, actor);
  await addWebhooks(services);
  return { userIds, channels: await addChannels(services) };
}

/** They have no password: nobody signs in as one of them. */
async function addUsers({ db, now }: Services, count: number): Promise<readonly string[]> {
  const at = now().toISOString();
  const users = Array.from({ length: count }, (_, number) => ({
    ...{ id: newId(), email: `person-${number}@example.com`, name: `Person ${number} Größe` },
    ...{ role: number % 3 === 0 ? ('operator' as const) : ('viewer' as const), password_hash: '' },
    ...{ last_active_at: at, created_at: at, updated_at: at },
  }));
  await write(db, (trx) => trx.insertInto('users').values(users).execute());
  return users.map(({ id }) => id);
}

/** Of each tenth: two blackouts, and as whom restores are made there. */
async function restrictServers(services: Services, actor: Actor): Promise<void> {
  const servers = await services.db
    .selectFrom('servers')
    .select('id')
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  for (const { id } of servers.filter((_, index) => index % 10 === 0)) {
    await saveBlackouts(services, actor, id, [
      { weekdays: [1, 2, 3, 4, 5], from: '08:00', until: '09:30', reason: 'Monatsabschluss "ü"' },
      { weekdays: [0], from: '22:00', until: '02:00', reason: null },
    ]);
    const login = { username: 'restorer', password: 'pä ss"wörd', tlsMode: 'off', tlsCa: null } as const;
    await putRestoreLogin(services, actor, { serverId: id, engine: 'postgres' }, login);
  }
}

/** None is tried: nothing listens there, and nothing waits to be sent. */
async function addChannels({ db, now, vault }: Services): Promise<Told['channels']> {
  const at = now().toISOString();
  const { host } = new URL(ENDPOINT);
  const channels = await Promise.all(
    Array.from({ length: CHANNELS }, async (_, number) => {
      const id = newId();
      return {
        ...{ id, kind: 'slack' as const, name: `Chat ${number}`, secret: null, host },
        url: await vault.seal(`${ENDPOINT}/hook`, SEALED.channelUrl.identity(id)),
        ...{ least_severity: 'warning' as const, environment_id: null, enabled: 0 as const },
        ...{ last_ok_at: at, last_error: null, failing_since: null, created_at: at, updated_at: at },
      };
    }),
  );
  await write(db, (trx) => trx.insertInto('notification_channels').values(channels).execute());
  return channels;
}

/** One for each environment. */
async function addWebhooks({ db, now, vault }: Services): Promise<void> {
  const at = now().toISOString();
  const environments = await db.selectFrom('environments').select('id').execute();
  const webhooks = await Promise.all(
    environments.map(async ({ id: environment_id }) => {
      const id = newId();
      const url = await vault.seal(`${ENDPOINT}/hook`, SEALED.webhookUrl.identity(id));
      const events = JSON.stringify(['backup.completed', 'backup.failed']);
      return {
        ...{ id, environment_id, url, secret: null, events, enabled: 0 as const },
        ...{ created_at: at, updated_at: at },
      };
    }),
  );
  await write(db, (trx) => trx.insertInto('webhook_subscriptions').values(webhooks).execute());
}
