import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import type { Config } from '../config.ts';
import type { Context } from '../db/context.ts';
import { write } from '../db/write.ts';
import { readSettings, saveSettings } from '../settings/settings.ts';

interface CopyContext extends Context {
  readonly config: Pick<Config, 'masterKey'>;
}

/** Whether the master key was made here, and when an admin said that it was copied; null: nobody has yet. */
export async function masterKeyCopy({
  db,
  config,
}: CopyContext): Promise<{ readonly isGenerated: boolean; readonly copiedAt: string | null }> {
  return { isGenerated: config.masterKey === null, copiedAt: (await readSettings(db)).masterKeyCopiedAt };
}

/** True while the master key lies in DATA_DIR only and no admin has confirmed a copy elsewhere: show the banner. */
export async function needsMasterKeyCopy(context: CopyContext): Promise<boolean> {
  const { isGenerated, copiedAt } = await masterKeyCopy(context);
  return isGenerated && copiedAt === null;
}

export async function confirmMasterKeyCopy(context: CopyContext, actor: Actor): Promise<void> {
  const now = context.now();
  await write(context.db, async (trx) => {
    await saveSettings(trx, { masterKeyCopiedAt: now.toISOString() }, now);
    const details = { masterKeyCopied: true };
    await recordAudit(trx, actor, auditEntry('system_settings', 'update', { id: null }, { details }), now);
  });
}
