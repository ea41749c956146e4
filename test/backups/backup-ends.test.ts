import { afterEach, beforeEach, expect, it } from 'vitest';
import { createBackupEnds } from '../../src/backups/backup-ends.ts';
import { makeEnvironment, makeToken } from '../support/api-tokens.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import { until } from '../support/until.ts';

let app: TestApp;
let backupId: string;
let path: string;
beforeEach(async () => {
  app = await openTestApp();
  const { environmentId, databaseId } = await makeEnvironment(app, 'shop');
  path = `/api/environments/${environmentId}/databases/${databaseId}/backups`;
  backupId = (await app.call('POST', path)).body.backupId;
});
afterEach(() => app.close());

const HOUR_MS = 3_600_000;
const forever = { signal: new AbortController().signal, credential: 'session:a' };
const end = async (status: 'completed' | 'failed') => {
  const { db } = app.services;
  const over = { state: status, ended_at: new Date().toISOString() };
  await db.updateTable('runs').set(over).where('id', '=', backupId).execute();
  await db.updateTable('backups').set({ status, outcome: status }).where('id', '=', backupId).execute();
};

/** Ends that look often, and how often they have looked. */
function counted(most: { readonly mostWaits?: number; readonly mostOfOne?: number } = {}) {
  const { db } = app.services;
  let looks = 0;
  const counting = new Proxy(db, {
    get(target, name) {
      if (name === 'selectFrom') looks += 1;
      const value = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const ends = createBackupEnds({ db: counting, log: app.services.log }, { lookEveryMs: 5, ...most });
  return { ends, looks: () => looks };
}

it('lets all who wait go when the backup is over, with one look for all of them', async () => {
  const { ends, looks } = counted();
  let gone = 0;
  const waits = Array.from({ length: 50 }, async (_, number) => {
    await ends.wait(backupId, { forMs: HOUR_MS, ...forever, credential: `session:${number}` });
    gone += 1;
  });
  // Each has looked once as it came; then there is one look every so often, for all.
  await until('another look', 20_000, async () => looks() > 52);
  expect([gone, looks() < 100]).toEqual([0, true]);
  await end('failed');
  await Promise.all(waits);
  const after = looks();
  await ends.wait(backupId, { forMs: HOUR_MS, ...forever });
  await ends.wait('nothing', { forMs: HOUR_MS, ...forever });
  expect(looks()).toBe(after + 2);
});

it('waits no longer than asked for, for nobody who has gone, and not once the app stops', async () => {
  const { ends } = counted();
  await ends.wait(backupId, { forMs: 1, ...forever });
  const left = new AbortController();
  const waiting = ends.wait(backupId, { forMs: HOUR_MS, ...forever, signal: left.signal });
  left.abort();
  await waiting;
  await ends.wait(backupId, { forMs: HOUR_MS, ...forever, signal: left.signal });
  const other = ends.wait(backupId, { forMs: HOUR_MS, ...forever });
  ends.stop();
  await other;
  await ends.wait(backupId, { forMs: HOUR_MS, ...forever });
});

it('lets so many wait at once, of one credential and of all, and another one as soon as one has left', async () => {
  const { ends } = counted({ mostWaits: 5, mostOfOne: 3 });
  const left = new AbortController();
  const wait = (credential: string, signal = left.signal) =>
    ends.wait(backupId, { forMs: HOUR_MS, signal, credential });
  const own = [wait('a', forever.signal), wait('a'), wait('a', forever.signal)];
  await wait('a');
  const others = [wait('b'), wait('c')];
  await wait('d');
  left.abort();
  await Promise.all([own[1], ...others]);
  // One that looked at nothing counts no longer either.
  await ends.wait('nothing', { forMs: HOUR_MS, ...forever, credential: 'a' });
  const again = [wait('a', forever.signal), wait('b', forever.signal), wait('c', forever.signal)];
  await wait('a', forever.signal);
  await wait('d', forever.signal);
  await end('completed');
  await Promise.all([...own, ...again]);
});

it('answers the eleventh who waits by a token at once, and those of others later', async () => {
  const { token } = await makeToken(app, { userId: app.userIds.operator }, { access: 'backups' });
  const one = `${path.replace(/databases\/.*$/, `backups/${backupId}`)}?wait=600`;
  const asked = Array.from({ length: 11 }, () => app.call('GET', one, { token }));
  const first = await Promise.race(asked);
  expect([first.status, first.body.backup.status]).toEqual([200, 'pending']);
  const other = app.call('GET', one);
  await end('completed');
  const statuses = (await Promise.all(asked)).map(({ body }) => body.backup.status).sort();
  expect(statuses).toEqual([...Array.from({ length: 10 }, () => 'completed'), 'pending']);
  expect((await other).body.backup.status).toBe('completed');
});

it('lets a request wait for its end, whether it asks for the backup or reads it', async () => {
  const { token } = await makeToken(app, { userId: app.userIds.operator }, { access: 'backups' });
  const one = path.replace(/databases\/.*$/, `backups/${backupId}`);
  const asking = [
    app.call('POST', `${path}?wait=600`, { token }),
    app.call('GET', `${one}?wait=600`, { token }),
    app.call('GET', `/api/backups/${backupId}?wait=600`),
  ];
  await until('the question to be noted', 20_000, async () =>
    app.services.db.selectFrom('token_backups').select('backup_id').executeTakeFirst(),
  );
  await end('completed');
  const answers = await Promise.all(asking);
  for (const { status, body } of answers) {
    expect([status, body]).toMatchObject([200, { backup: { id: backupId, status: 'completed' } }]);
  }
  expect(answers[0]?.body).toMatchObject({ backupId, message: 'Backup started' });
  const at = await app.call('POST', `${path}?wait=0`, { token });
  expect(at.body.backup.status).toBe('pending');
  for (const wait of ['601', '-1', 'x', '1e2', '']) {
    expect([wait, (await app.call('POST', `${path}?wait=${wait}`)).status]).toEqual([wait, 400]);
  }
});
