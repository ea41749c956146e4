import type { RestoreRunContext } from '../context.ts';

/** What was done there is known by then: that it could not be closed is for the log. */
export async function closeQuietly({ log }: RestoreRunContext, close: () => Promise<void>): Promise<void> {
  try {
    await close();
  } catch (error) {
    log.warn('a connection of a restore could not be closed', { error });
  }
}
