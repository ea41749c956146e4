import type { Config } from '../../config.ts';
import { openFileState } from './file-state.ts';
import type { Opening, State } from './state.ts';

/** Opens and migrates it. Throws `config`, `unavailable` for what an admin must mend; then nothing is left open. */
export async function openState(config: Config, opening: Opening): Promise<State> {
  const { dataDir, databaseUrl } = config;
  if (databaseUrl === null) return openFileState(config, opening);
  // Only then: its driver takes memory.
  const { openServerState } = await import('./server-state.ts');
  return openServerState({ dataDir, databaseUrl }, opening);
}
