import { type FormWalk, ODD } from './walk.ts';

/** Backups, restores and drills of the database of the walk. */
export async function walkBackups(walk: FormWalk): Promise<void> {
  const { send, filled, ids, names } = walk;
  const [one = '', two = '', three = '', four = '', five = ''] = ids.backups;
  const place = { serverId: ids.server, host: '127.0.0.1', port: '5432', username: 'me', password: 'x' };
  await send('/databases/:databaseId/backups');
  const pending = await filled.db
    .selectFrom('runs')
    .select('id')
    .where('lane', '=', `database:${ids.database}`)
    .where('state', '=', 'pending')
    .executeTakeFirstOrThrow();
  await send('/backups/:backupId/cancel', {}, { backups: pending.id });
  await send('/databases/back-up', { id: await otherDatabases(walk) });
  await send('/databases/:databaseId/backups/pin', { select: [one, two], pinned: 'true' });
  await send('/backups/:backupId/pin', { pinned: 'true' }, { backups: three });
  await send('/backups/:backupId/pin', { pinned: 'false' }, { backups: three });
  await send('/backups/:backupId/verify', {}, { backups: three });
  await send('/backups/:backupId/drill', {}, { backups: three });
  const restore = await send(
    '/backups/:backupId/restore',
    { ...place, action: 'restore', newName: 'one_more' },
    { backups: three },
  );
  await send('/restores/:id/cancel', {}, { restores: restore.split('/')[2] ?? '' });
  const inPlace = { action: 'restore', confirm: `${ODD} 2`, safetyAsked: 'true' };
  await send('/backups/:backupId/restore-in-place', inPlace, { backups: three });
  await send(
    '/restores/:id/clean-up',
    { confirm: names['leftName'] ?? '' },
    { restores: names['left'] ?? '' },
  );
  await send(
    '/restores/:id/drop-kept',
    { confirm: names['keptName'] ?? '' },
    { restores: names['kept'] ?? '' },
  );
  await send('/restores/:id/drop', { confirm: names['doneName'] ?? '' }, { restores: names['done'] ?? '' });
  await send('/restores/:id/rename', { confirm: `${ODD} 2` }, { restores: names['done'] ?? '' });
  await send('/databases/:databaseId/backups/read', { select: [one, two] });
  await send('/backups/:backupId/delete', {}, { backups: four });
  await send('/databases/:databaseId/backups/delete', { id: [five, ...ids.backups.slice(6, 9)] });
  await send('/databases/:databaseId/backups/delete-failed', { through: new Date().toISOString() });
}

/** What happens by itself: to one database, to those that are selected, by a rule. */
export async function walkSchedules(walk: FormWalk): Promise<void> {
  const { send } = walk;
  const times = { cronExpression: '0 2 * * *', enabled: 'true', retries: '2', retryMinutes: '10' };
  const tiers = { keepLast: '9', daily: '7', weekly: '4', monthly: '6', yearly: '1', minFloor: '2' };
  const selected = { id: await otherDatabases(walk) };
  await send('/databases/:databaseId/schedule', times);
  await send('/databases/:databaseId/ping', { url: 'https://hc-ping.com/1c9f3c1b', protocol: 'plain' });
  await send('/databases/:databaseId/ping/test');
  await send('/databases/:databaseId/ping/delete');
  await send('/databases/selected/schedule', { ...selected, times: '0 3 * * SUN' });
  await send('/databases/selected/pause', { ...selected, pausedReason: ODD });
  await send('/databases/selected/resume', selected);
  await send('/databases/selected/retention', { ...selected, preset: 'lean', confirm: 'true' });
  await send('/databases/selected/read', selected);
  await send('/databases/:databaseId/retention/preview', { preset: 'custom', ...tiers });
  await send('/databases/:databaseId/retention', { preset: 'custom', ...tiers, confirm: 'true' });
  await send('/databases/:databaseId/retention/rotate');
  await send('/databases/:databaseId/retention/accept');
  await send('/schedules/rules/new', { ...times, name: ODD });
  await send('/schedules/rules/:ruleId', { ...times, name: `${ODD} 2` });
}

/** Such as have a good backup, and nothing that waits or runs. */
export async function otherDatabases({ filled, ids }: FormWalk): Promise<readonly string[]> {
  const rows = await filled.db
    .selectFrom('newest_backups')
    .innerJoin('databases', 'databases.id', 'newest_backups.database_id')
    .select('databases.id')
    .where('newest_backups.good_id', 'is not', null)
    .where('databases.id', '!=', ids.database)
    .orderBy('databases.id')
    .limit(50)
    .execute();
  return rows.map(({ id }) => id);
}
