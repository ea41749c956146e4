import type { Services } from '../services-port.ts';

/** What a run of a backup, and its repair, are handed. */
export type RunServices = Pick<
  Services,
  'db' | 'vault' | 'servers' | 'openPlace' | 'now' | 'uptimeMs' | 'log'
>;
