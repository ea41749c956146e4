import { AppError, isAppError } from '../errors.ts';
import type { ServerContext } from './context.ts';
import { getServer } from './servers.ts';

const COMMAND_TIMEOUT_MS = 15_000;

/** The fingerprint (`SHA256:…`) of a server's key; one that is pinned already was not looked at anew. */
export interface LookedAtHostKey {
  readonly fingerprint: string;
  readonly isPinned: boolean;
}

/**
 * The key that a server presents, seen before anybody signs in there, for a person to compare; the pinned one where one is, without a
 * connection. It pins nothing. Throws `not_found`, `invalid` (no SSH key for the environment) and what keeps a host from being reached.
 */
export async function lookAtHostKey(
  context: ServerContext,
  serverId: string,
  signal: AbortSignal,
): Promise<LookedAtHostKey> {
  const { hostKeyFingerprint } = await getServer(context.db, serverId);
  if (hostKeyFingerprint !== null) return { fingerprint: hostKeyFingerprint, isPinned: true };
  // What nobody started pins nothing: it ends with the key in hand, and no log-in.
  const opened = await context.servers.open(serverId, { startedBy: 'schedule' });
  try {
    const options = { signal, idleTimeoutMs: COMMAND_TIMEOUT_MS };
    for await (const _ of opened.host.run({ script: 'exit 0' }, options)) {
      // Reached only where somebody else has pinned it meanwhile.
    }
  } catch (error) {
    if (!isAppError(error, 'host_key_unknown') || error.details.presented === undefined) throw error;
    return { fingerprint: error.details.presented, isPinned: false };
  } finally {
    await opened.host.close();
  }
  const { hostKeyFingerprint: pinned } = await getServer(context.db, serverId);
  if (pinned === null)
    throw new AppError('conflict', 'The host key was forgotten meanwhile: look at it once more.');
  return { fingerprint: pinned, isPinned: true };
}
