import * as z from 'zod';
import type { Db, Trx } from '../db/schema.ts';

/** Settings of the whole installation; each has a default, so that an absent row is a fresh installation. */
export const systemSettings = z.object({
  sshCommandTimeoutMs: z.number().int().min(1000).max(600_000).default(60_000),
  sshReadyTimeoutMs: z.number().int().min(1000).max(120_000).default(10_000),
  pgDumpTimeoutMs: z.number().int().min(30_000).max(3_600_000).default(300_000),
  activeUserWindowMin: z.number().int().min(1).max(1440).default(15),
  /** Runs at once in the installation, and of those on one server. */
  maxConcurrentBackups: z.number().int().min(1).max(64).default(4),
  maxConcurrentBackupsPerServer: z.number().int().min(1).max(64).default(2),
  /** When an admin confirmed that the generated master key is kept elsewhere too. */
  masterKeyCopiedAt: z.iso.datetime().nullable().default(null),
});

export type SystemSettings = z.infer<typeof systemSettings>;

/** The settings as stored, over their defaults. A stored value that no longer fits counts as absent. */
export async function readSettings(db: Db): Promise<SystemSettings> {
  const names = Object.keys(systemSettings.shape);
  const rows = await db.selectFrom('system_settings').selectAll().where('key', 'in', names).execute();
  const stored = Object.fromEntries(rows.map((row) => [row.key, parseJson(row.value)]));
  const parsed = systemSettings.safeParse(stored);
  if (parsed.success) return parsed.data;
  const bad = new Set(parsed.error.issues.map((issue) => issue.path[0]));
  return systemSettings.parse(Object.fromEntries(Object.entries(stored).filter(([name]) => !bad.has(name))));
}

export async function saveSettings(trx: Trx, change: Partial<SystemSettings>, now: Date): Promise<void> {
  for (const [key, value] of Object.entries(change)) {
    const values = { value: JSON.stringify(value), updated_at: now.toISOString() };
    await trx
      .insertInto('system_settings')
      .values({ key, ...values })
      .onConflict((conflict) => conflict.column('key').doUpdateSet(values))
      .execute();
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
