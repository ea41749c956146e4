/** How the lanes of runs are spelled: one run of a lane at a time. */
export const databaseLane = (databaseId: string) => `database:${databaseId}`;
export const backupLane = (backupId: string) => `backup:${backupId}`;
export const STORAGE_LANE = 'storage';
