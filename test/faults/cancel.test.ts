import { createServer, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { EndedBackup, Json } from '../support/installation.ts';
import { until } from '../support/until.ts';
import {
  type Bed,
  BUCKET,
  expectLeftoversGone,
  expectSealedOrAbsent,
  startBed,
  TINY_PARTS,
  TO_BUCKET,
  untilMet,
} from './bed.ts';

/** Cancels at the steps before the storage; those at the storage are in storage.test.ts. */
let bed: Bed;
let file: string;
/** Takes connections and never says a word. */
let silent: Server;
const sockets = new Set<Socket>();

beforeAll(async () => {
  // So that some of the dump is still to come while its first parts are sent.
  bed = await startBed({ ...TINY_PARTS, env: { PART_MEMORY_MIB: '16' } });
  file = await bed.makeSqlite('large.sqlite', 12);
  silent = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.2', resolve));
});
afterEach(() => bed.bucket.faults.clear());
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => silent.close(resolve));
  await bed.close();
});

test('a cancel while the host does not answer ends the run at once', async () => {
  const address = silent.address();
  const server = await bed.app.create('server', `/api/environments/${bed.environment}/servers`, {
    name: 'silent',
    hostname: '127.0.0.2',
    sshPort: typeof address === 'object' && address ? address.port : 0,
  });
  const database = await bed.addDatabase({
    name: 'unreachable',
    type: 'sqlite',
    filePath: file,
    serverId: server,
    ...TO_BUCKET,
  });
  const backupId = await bed.app.startBackup(database);
  await until('the connection', 20_000, () => sockets.size > 0);
  const backup = await cancelled(backupId);
  expect(backup.error).toMatchObject({ step: 'connect', code: 'cancelled' });
});

test('a cancel while a backup waits fails it before it begins', async () => {
  const database = await bed.addDatabase({ name: 'twice', type: 'sqlite', filePath: file, ...TO_BUCKET });
  bed.bucket.faults.add({ match: { operation: 'HeadObject' }, fault: { kind: 'hang' } });
  const first = await bed.app.startBackup(database);
  await untilMet(bed, first, 'hang');
  const second = await bed.app.startBackup(database);
  const backup = await cancelled(second);
  expect(backup.error).toMatchObject({ step: 'connect', code: 'cancelled' });
  await cancelled(first);
});

test('a cancel while the dump comes in ends the dump on the host', async () => {
  const database = await bed.addDatabase({ name: 'slow', type: 'sqlite', filePath: file, ...TO_BUCKET });
  bed.bucket.faults.add({
    match: { operation: 'UploadPart' },
    times: Number.POSITIVE_INFINITY,
    fault: { kind: 'slow', bytesPerSecond: 200_000 },
  });
  const backupId = await bed.app.startBackup(database);
  await until('some of the dump', 20_000, async () => {
    const { backup } = (await bed.app.ask('GET', `/api/backups/${backupId}`)) as { backup: Json };
    return bed.bucket.uploads(BUCKET).length > 0 && Number(backup['bytesRead']) > 0;
  });
  await cancelled(backupId);
});

async function cancelled(backupId: string): Promise<EndedBackup> {
  await bed.app.ask('POST', `/api/backups/${backupId}/cancel`);
  const backup = await bed.app.untilEnded(backupId, 5_000);
  expect(backup.outcome).toBe('cancelled');
  await expectLeftoversGone(bed);
  if (backup.raw['startedAt'] !== null) await expectSealedOrAbsent(bed, backup);
  return backup;
}
