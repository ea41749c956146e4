import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import { write } from '../db/write.ts';
import type { Services } from '../services-port.ts';
import { readSettings, saveSettings } from '../settings/settings.ts';

type Context = Pick<Services, 'config' | 'db' | 'now'>;

/** True while the master key lies in DATA_DIR only and no admin has confirmed a copy elsewhere: show the banner. */
export async function needsMasterKeyCopy(context: Context): Promise<boolean> {
  if (context.config.masterKey !== null) return false;
  return (await readSettings(context.db)).masterKeyCopiedAt === null;
}

export async function confirmMasterKeyCopy(context: Context, actor: Actor): Promise<void> {
  const now = context.now();
  await write(context.db, async (trx) => {
    await saveSettings(trx, { masterKeyCopiedAt: now.toISOString() }, now);
    const details = { masterKeyCopied: true };
    await recordAudit(trx, actor, auditEntry('system_settings', 'update', { id: null }, { details }), now);
  });
}
