import type { Actor } from '../audit/audit.ts';
import { write } from '../db/write.ts';
import { isAppError } from '../errors.ts';
import type { ServerContext } from './context.ts';
import type { OpenedServer, OpenServerOptions } from './server-access.ts';
import { getServer } from './servers.ts';

export interface SshTest {
  readonly success: boolean;
  readonly durationMs: number;
  readonly error?: string;
  /** The fingerprint of a host key that this test has pinned; compare it with the server's own. */
  readonly pinnedFingerprint?: string;
  /** The fingerprint of the key that counts there now, where a person was shown another: nothing was sent, and nothing pinned. */
  readonly otherFingerprint?: string;
}

const COMMAND_TIMEOUT_MS = 15_000;

/**
 * Signs in to the server and runs a command; its status is updated. `shownHostKey`: the fingerprint that a person was shown, the only one
 * to be pinned. Throws `not_found`.
 */
export async function tryServer(
  context: ServerContext,
  actor: Actor,
  serverId: string,
  signal: AbortSignal,
  shownHostKey?: string,
): Promise<SshTest> {
  const { hostKeyFingerprint: pinned } = await getServer(context.db, serverId);
  // Somebody has pinned another one since it was shown: nothing is to be tried.
  if (pinned !== null && isOther(pinned, shownHostKey)) {
    return { ...refuseOther(shownHostKey, pinned, 'pinned'), durationMs: 0 };
  }
  const startedAt = performance.now();
  const options = { startedBy: 'person', mayPin: true, shownHostKey, actor } as const;
  const outcome = await tryCommand(context, serverId, signal, options);
  const durationMs = Math.round(performance.now() - startedAt);
  const now = context.now();
  await write(context.db, (trx) =>
    trx
      .updateTable('servers')
      .set({ status: outcome.success ? 'healthy' : 'unhealthy', last_checked_at: now.toISOString() })
      .where('id', '=', serverId)
      .execute(),
  );
  return { ...outcome, durationMs };
}

async function tryCommand(
  context: ServerContext,
  serverId: string,
  signal: AbortSignal,
  options: OpenServerOptions,
): Promise<Omit<SshTest, 'durationMs'>> {
  let opened: OpenedServer | undefined;
  try {
    opened = await context.servers.open(serverId, options);
    for await (const _ of opened.host.run(
      { script: 'exit 0' },
      { signal, idleTimeoutMs: COMMAND_TIMEOUT_MS },
    )) {
      // A shell that greets is a shell that works.
    }
    const pinned = opened.pinnedFingerprint();
    return { success: true, ...(pinned === null ? {} : { pinnedFingerprint: pinned }) };
  } catch (error) {
    if (!isAppError(error) || error.code === 'internal') throw error;
    const { presented } = error.details;
    const { shownHostKey } = options;
    if (error.code === 'host_key_unknown' && presented !== undefined && isOther(presented, shownHostKey)) {
      return refuseOther(shownHostKey, presented, 'presented');
    }
    const pinned = opened?.pinnedFingerprint() ?? null;
    return {
      success: false,
      error: error.message,
      ...(pinned === null ? {} : { pinnedFingerprint: pinned }),
    };
  } finally {
    await opened?.host.close();
  }
}

function isOther(fingerprint: string, shown: string | undefined): shown is string {
  return shown !== undefined && shown !== fingerprint;
}

/** Never an advice to test again, which would pin what stands in between. */
function refuseOther(shown: string, other: string, how: 'presented' | 'pinned') {
  const error = `You were shown the host key ${shown}, now ${other} is ${how}: somebody may stand in between. Nothing was sent.`;
  return { success: false, error, otherFingerprint: other };
}
