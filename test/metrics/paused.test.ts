import { expect, it } from 'vitest';
import { databaseMetrics } from '../../src/metrics/database-metrics.ts';
import { joinedBytes } from '../../src/metrics/exposition.ts';
import { openTestDatabase } from '../support/database.ts';
import { readExposition } from '../support/exposition.ts';
import { openWorld } from '../support/schedules.ts';

it('of a paused schedule no next backup is told: none begins', async () => {
  const db = await openTestDatabase();
  const world = await openWorld(db, '2026-02-25T10:00:00.000Z');
  await world.database({ name: 'going on' });
  await world.rule({ cronExpression: '0 2 * * *' });
  const paused = await world.database({ name: 'paused "ü"' });
  await world.schedule(paused, { cronExpression: '0 2 * * *', pausedReason: 'moving' });
  await world.worker()();
  const samples = await databaseMetrics(world);
  const exposed = readExposition(new TextDecoder().decode(joinedBytes(samples.parts())));
  const next = exposed.get('bridgeport_database_next_backup_timestamp_seconds')?.samples ?? [];
  expect(next.map(({ labels, value }) => [labels['database'], value])).toEqual([
    ['going on', Date.parse('2026-02-26T02:00:00.000Z') / 1000],
  ]);
  await db.destroy();
});
