import { createChannel } from '../../src/channels/node/guarded-channel.ts';
import { createMailer } from '../../src/channels/node/smtp-mailer.ts';
import type { Db } from '../../src/db/schema.ts';
import { createLog } from '../../src/log.ts';
import type { DeliverContext } from '../../src/notifications/send.ts';
import { createVault } from '../../src/secrets/vault.ts';

/** What sends to servers of the test on this machine, which is private and named as allowed. */
export async function openDeliverContext(db: Db, now: () => Date): Promise<DeliverContext> {
  await db
    .insertInto('system_settings')
    .values({ key: 'privateHosts', value: JSON.stringify('127.0.0.1'), updated_at: now().toISOString() })
    .execute();
  return {
    ...{ db, now, vault: await createVault(new Uint8Array(32).fill(5)), mailer: createMailer() },
    channel: createChannel({ allowed: async () => ['127.0.0.1'] }),
    log: createLog('debug', () => undefined, now),
  };
}
