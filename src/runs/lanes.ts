/** How the lanes of runs are spelled: one run of a lane at a time. */
export const databaseLane = (databaseId: string) => `database:${databaseId}`;
export const backupLane = (backupId: string) => `backup:${backupId}`;
/** Beside the database's own: what is pruned must not wait for hours of a backup. */
export const retentionLane = (databaseId: string) => `retention:${databaseId}`;
/** Beside the backups': a drill reads a stored one. */
export const drillLane = (databaseId: string) => `drill:${databaseId}`;
export const STORAGE_LANE = 'storage';
