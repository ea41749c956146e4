import { type Actor, recordAudit } from '../audit/audit.ts';
import type { DatabaseRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { getEnvironmentRow } from '../environments/environments.ts';
import { AppError, isAppError } from '../errors.ts';
import type { VaultContext } from '../secrets/context.ts';
import type { ServerContext } from '../servers/context.ts';
import type { OpenedServer } from '../servers/server-access.ts';
import { planDatabase } from './database-target.ts';
import { auditedDatabase, getDatabaseRow } from './databases.ts';
import { lookAtDatabase } from './look-at-database.ts';

export interface ConnectionTest {
  readonly success: boolean;
  readonly latencyMs: number | null;
  readonly serverVersion?: string;
  readonly clientVersion?: string;
  readonly estimatedBytes?: number;
  /** What to know before relying on backups of it. */
  readonly warnings?: readonly string[];
  readonly error?: string;
  readonly pinnedFingerprint?: string;
}

const TIMEOUT_MS = 60_000;

/**
 * Looks at the database from its server, as a backup would before its dump. One that would send the stored password
 * where it was not given for is audited. Throws `not_found`.
 */
export async function tryDatabase(
  context: VaultContext & ServerContext,
  actor: Actor,
  environmentId: string,
  databaseId: string,
  signal: AbortSignal,
): Promise<ConnectionTest> {
  await getEnvironmentRow(context.db, environmentId);
  const row = await getDatabaseRow(context.db, databaseId);
  if (row.environment_id !== environmentId) throw new AppError('not_found', 'Database not found');
  return tryRow(context, actor, row, signal);
}

/** The same for a row, stored or not. */
export async function tryRow(
  context: VaultContext & ServerContext,
  actor: Actor,
  row: DatabaseRow,
  signal: AbortSignal,
): Promise<ConnectionTest> {
  const startedAt = performance.now();
  let opened: OpenedServer | undefined;
  try {
    const plans = await planDatabase(row, context.vault, context.servers);
    opened = await context.servers.open(row.server_id, { startedBy: 'person', actor });
    const found = await lookAtDatabase(opened, plans, { signal, timeoutMs: TIMEOUT_MS });
    return {
      success: true,
      latencyMs: Math.round(performance.now() - startedAt),
      ...(found.serverVersion === null ? {} : { serverVersion: found.serverVersion }),
      ...(found.clientVersion === null ? {} : { clientVersion: found.clientVersion }),
      ...(found.estimatedBytes === null ? {} : { estimatedBytes: found.estimatedBytes }),
      ...(found.warnings.length === 0 ? {} : { warnings: found.warnings }),
      ...pinnedBy(opened),
    };
  } catch (error) {
    if (!isAppError(error) || error.code === 'internal') throw error;
    if (error.code === 'password_held') {
      const why = { error: error.message, details: { ...error.details } };
      const entry = auditedDatabase('test_connection', row, why);
      await write(context.db, (trx) => recordAudit(trx, actor, entry, context.now()));
    }
    return { success: false, latencyMs: null, error: error.message, ...pinnedBy(opened) };
  } finally {
    await opened?.host.close();
  }
}

function pinnedBy(opened: OpenedServer | undefined): { pinnedFingerprint?: string } {
  const fingerprint = opened?.pinnedFingerprint() ?? null;
  return fingerprint === null ? {} : { pinnedFingerprint: fingerprint };
}
