import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Db, RunState } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { deleteEnvironment } from '../../src/environments/environments.ts';
import { newId } from '../../src/ids.ts';
import { insertRun } from '../../src/runs/claim.ts';
import { deleteServer } from '../../src/servers/servers.ts';
import { insertBackup } from '../support/backup-row.ts';
import { openTestDatabase } from '../support/database.ts';
import { restoreRow } from '../support/restore-row.ts';
import { openWorld, type World } from '../support/schedules.ts';

const NOBODY = { userId: null, address: null };
const NOW = '2026-02-25T10:00:00.000Z';

let db: Db;
let world: World;
let serverId: string;
let runId: string;
beforeEach(async () => {
  db = await openTestDatabase();
  world = await openWorld(db, NOW);
  serverId = await world.server();
  runId = newId();
  const elsewhere = await insertBackup(db, new Date(NOW), { status: 'completed', outcome: 'completed' });
  const run = { id: runId, kind: 'restore', subjectId: elsewhere.id, serverId, lane: runId } as const;
  await write(db, async (trx) => {
    await insertRun(trx, run, new Date(NOW));
    const into = { server_id: serverId, environment_id: world.environmentId, new_name: 'größe "x"' };
    await trx
      .insertInto('restores')
      .values(restoreRow({ id: runId, ...into }))
      .execute();
  });
});
afterEach(() => db.destroy());

it('a server, and an environment, stays while something is restored into it', async () => {
  const said = { code: 'conflict', message: expect.stringContaining('“größe "x"” is being restored there') };
  const isIn = (state: RunState) => db.updateTable('runs').set({ state }).where('id', '=', runId).execute();
  for (const state of ['pending', 'running', 'uncertain'] as const) {
    await isIn(state);
    await expect(deleteServer(world, NOBODY, serverId)).rejects.toMatchObject(said);
    await expect(deleteEnvironment(world, NOBODY, world.environmentId)).rejects.toMatchObject(said);
  }
  await isIn('completed');
  await deleteServer(world, NOBODY, serverId);
  await deleteEnvironment(world, NOBODY, world.environmentId);
  const left = db.selectFrom('environments').select('id').where('id', '=', world.environmentId);
  expect(await left.execute()).toEqual([]);
});
