/** A database of the seeded installation, and what its past was like. */
export type PastDatabase = {
  readonly name: string;
  /** How old its last good backup may be. */
  readonly maxAgeHours: number;
  /** Whether it was backed up so many days ago. */
  readonly isDue: (daysAgo: number) => boolean;
  /** When it is backed up by itself from then on; left out: never. */
  readonly cron?: string;
} & (
  | {
      readonly type: 'sqlite';
      /** Rows that each day adds. */
      readonly growth: number;
      /** Its file is gone since so many days ago: backups fail. */
      readonly goneSince?: number;
    }
  | { readonly type: 'postgres' | 'mysql'; readonly databaseName: string }
);

const every = (days: number) => (daysAgo: number) => daysAgo % days === 0;

/** Twelve of three engines: those of SQLite run anywhere, the others are on a host that never answers. */
export const PAST_DATABASES: readonly PastDatabase[] = [
  { type: 'sqlite', name: 'blog', growth: 40, maxAgeHours: 50, isDue: every(2) },
  { type: 'sqlite', name: 'wiki', growth: 35, maxAgeHours: 26, isDue: every(1), cron: '0 2 * * *' },
  { type: 'sqlite', name: 'tickets', growth: 60, maxAgeHours: 74, isDue: every(3) },
  { type: 'sqlite', name: 'metrics', growth: 90, maxAgeHours: 170, isDue: every(7), cron: '30 2 * * 0' },
  { type: 'sqlite', name: 'photos', growth: 150, maxAgeHours: 170, isDue: every(7), cron: '0 3 * * 0' },
  // Nobody backs it up any more.
  { type: 'sqlite', name: 'library', growth: 10, maxAgeHours: 26, isDue: (ago) => ago >= 4 && ago % 4 === 0 },
  { type: 'sqlite', name: 'feeds', growth: 5, maxAgeHours: 98, isDue: (ago) => ago <= 8, goneSince: 1 },
  { type: 'postgres', name: 'shop', databaseName: 'shop', maxAgeHours: 26, isDue: (ago) => ago <= 3 },
  { type: 'postgres', name: 'billing', databaseName: 'billing', maxAgeHours: 26, isDue: (ago) => ago <= 2 },
  { type: 'postgres', name: 'crm', databaseName: 'crm', maxAgeHours: 26, isDue: () => false },
  { type: 'mysql', name: 'forum', databaseName: 'forum', maxAgeHours: 26, isDue: (ago) => ago <= 1 },
  { type: 'mysql', name: 'stats', databaseName: 'stats', maxAgeHours: 26, isDue: () => false },
];
