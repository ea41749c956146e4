import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changePassword } from '../../src/auth/change-password.ts';
import { registerFirstAdmin } from '../../src/auth/first-admin.ts';
import { login } from '../../src/auth/login.ts';
import { createUser, deleteUser, type UserActor, updateUser } from '../../src/auth/users.ts';
import { deleteBackup } from '../../src/backups/delete-backup.ts';
import { removeDatabase } from '../../src/backups/remove-database.ts';
import { requestBackup } from '../../src/backups/request-backup.ts';
import { recordDestination } from '../../src/backups/run-record.ts';
import { settleCompleted } from '../../src/backups/settle.ts';
import { write } from '../../src/db/write.ts';
import { newId } from '../../src/ids.ts';
import { insertRun } from '../../src/runs/claim.ts';
import type { RunKind } from '../../src/runs/kind.ts';
import { takeExpired, takeNext } from '../../src/runs/take.ts';
import { signingKey } from '../../src/secrets/signing-keys.ts';
import type { Services } from '../../src/services-port.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import { insertBackup } from '../support/backup-row.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

/** Each case is tried so often: on a database that lets it go wrong, it does so in most of them. */
const TIMES = Array.from({ length: 12 }, (_, round) => round);
const SYSTEM = { userId: null, address: null };
const STORED = { bytes: 7, versionId: null, sha256: 'ab' };
const FROM = { address: '203.0.113.9', browser: null };

afterAll(dropStates);

describe.each(STATES)('at once, on %s', (state) => {
  let app: TestApp;
  let services: Services;
  beforeEach(async () => {
    app = await openTestApp({ db: await openState(state), withoutUsers: true });
    // What is slow on purpose would let the one transaction end before the other begins.
    const passwords: Services['passwords'] = {
      hash: async (password) => `hash of ${password}`,
      verify: async (password, hash) => hash === `hash of ${password}`,
      isCommon: async () => false,
    };
    services = { ...app.services, passwords };
  });
  afterEach(() => app.close());

  const newAdmin = async (name: string) => {
    const input = { email: `${name}@example.com`, password: 'correct horse battery', role: 'admin' as const };
    const { id } = await createUser(services, SYSTEM, input);
    return { id, actor: { userId: id, role: 'admin', address: null } satisfies UserActor };
  };
  const admins = () => services.db.selectFrom('users').select('id').where('role', '=', 'admin').execute();
  const clear = () => services.db.deleteFrom('users').execute();

  it.each([
    ['demote', (actor: UserActor, id: string) => updateUser(services, actor, id, { role: 'viewer' })],
    ['delete', (actor: UserActor, id: string) => deleteUser(services, actor, id)],
  ])('two admins who %s each other leave one', async (_, change) => {
    for (const round of TIMES) {
      const [ann, ben] = [await newAdmin(`änn+${round}`), await newAdmin(`ben 🗄${round}`)];
      const results = await Promise.allSettled([change(ann.actor, ben.id), change(ben.actor, ann.id)]);
      expect(await admins()).toHaveLength(1);
      const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
      expect(refused).toEqual([expect.objectContaining({ code: 'conflict' })]);
      await clear();
    }
  });

  it('of three who register as the first admin, one is', async () => {
    for (const round of TIMES) {
      const setupCode = await newSetupCode(services);
      const register = (name: string) =>
        registerFirstAdmin(services, {
          email: `${name}${round}@example.com`,
          password: 'correct horse battery',
          ...{ setupCode, kind: 'api', from: FROM },
        });
      const results = await Promise.allSettled(['a', 'b', 'c'].map(register));
      expect(await admins()).toHaveLength(1);
      const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
      expect(refused).toEqual(Array(2).fill(expect.objectContaining({ code: 'forbidden' })));
      await clear();
    }
  });

  it('a sign-in with the old password beside its change leaves no session of the old one', async () => {
    const { id } = await newAdmin('ann');
    const other = await newAdmin('ben');
    const passwordOf = (round: number) => `correct horse „${round}"`;
    await changePassword(services, other.actor, id, { newPassword: passwordOf(-1) });
    for (const round of TIMES) {
      const old = {
        email: 'ann@example.com',
        password: passwordOf(round - 1),
        kind: 'ui',
        from: FROM,
      } as const;
      await Promise.allSettled([
        ...[login(services, old), login(services, old), login(services, old)],
        changePassword(services, other.actor, id, { newPassword: passwordOf(round) }),
      ]);
      const sessions = await services.db
        .selectFrom('sessions')
        .select('id')
        .where('user_id', '=', id)
        .execute();
      expect(sessions).toEqual([]);
    }
  });

  it('two deletions of a backup take it off the totals once', async () => {
    for (const round of TIMES) {
      const [backup, other] = [
        await completed(services, `a ${round}`),
        await completed(services, `b ${round}`),
      ];
      await services.db
        .updateTable('backups')
        .set({ database_id: backup.database_id })
        .where('id', '=', other.id)
        .execute();
      await services.db
        .updateTable('stored_totals')
        .set({ backups: 2, bytes: 14 })
        .where('database_id', '=', backup.database_id)
        .execute();
      const results = await Promise.allSettled([
        deleteBackup(services, backup.id),
        deleteBackup(services, backup.id),
      ]);
      expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
      expect(await totalsOf(services, backup.database_id)).toEqual([[1, 7]]);
    }
  });

  it('a backup that ends where another is deleted leaves the one of them in the totals', async () => {
    for (const round of TIMES) {
      const [old, run] = [await completed(services, `old ${round}`), await claimed(services, `new ${round}`)];
      await services.db
        .updateTable('backups')
        .set({ database_id: old.database_id })
        .where('id', '=', run.id)
        .execute();
      const claim = { runId: run.id, claimedBy: 'me' };
      await Promise.all([
        settleCompleted(services.db, claim, STORED, services.now()),
        deleteBackup(services, old.id),
      ]);
      expect(await totalsOf(services, old.database_id)).toEqual([[1, 7]]);
    }
  });

  it('two uploads of one key are recorded for one run', async () => {
    for (const round of TIMES) {
      const runs = [await claimed(services, null), await claimed(services, null)];
      const key = `daily „ü+${round}".dump`;
      const record = (runId: string) =>
        recordDestination(services.db, { runId, claimedBy: 'me' }, {
          destination: {
            place: { endpoint: 'https://s3.example.com', region: null, bucket: 'b' },
            ...{ key, fileName: key },
          },
          dump: { contentType: 'application/octet-stream', compression: { type: 'none' } },
          format: 'custom',
        } as unknown as Parameters<typeof recordDestination>[2]);
      const results = await Promise.allSettled(runs.map(({ id }) => record(id)));
      expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
      expect(results).toContainEqual({
        status: 'rejected',
        reason: expect.objectContaining({ code: 'storage_exists' }),
      });
    }
  });

  it.each([
    ['takes', 'waits'],
    ['takes over', 'nobody works on any more'],
  ])('of two who claim at once one %s the run that %s', async (how) => {
    const isOver = how === 'takes over';
    const kind: RunKind = {
      isLimited: true,
      words: { noun: 'run "ü"', cancelled: 'c', stopped: 's' },
      first: { step: 'first', progress: 0 },
      run: async () => {},
      repair: async () => {},
    };
    const claim = (claimedBy: string) => {
      const taker = { ...services, kinds: { backup: kind }, claimedBy, leaseMs: 60_000 };
      return isOver ? takeExpired(taker, []) : takeNext(taker, { total: 99, perServer: 99 });
    };
    for (const round of TIMES) {
      const run = await waitingRun(services, `lane ${round} „ü+"`);
      if (isOver) {
        const gone = {
          state: 'running',
          claimed_by: 'gone',
          lease_until: new Date(0).toISOString(),
        } as const;
        await services.db.updateTable('runs').set(gone).where('id', '=', run).execute();
      }
      const given = await Promise.all(['ann', 'ben 🗄'].map(claim));
      expect(given.map((row) => row?.id).filter((id) => id !== undefined)).toEqual([run]);
      const whose = given.findIndex((row) => row !== undefined);
      const row = await services.db.selectFrom('runs').selectAll().where('id', '=', run).executeTakeFirst();
      expect(row).toMatchObject({ claimed_by: ['ann', 'ben 🗄'][whose], attempts: isOver ? 0 : 1 });
    }
  });

  it('two requests of a backup give the one that waits', async () => {
    for (const _ of TIMES) {
      const { database_id: databaseId } = await insertBackup(services.db, services.now(), {
        ...{ status: 'failed', outcome: 'failed' },
      });
      const request = { databaseId, type: 'manual', triggeredById: null } as const;
      const [one, two] = await Promise.all([
        requestBackup(services, request),
        requestBackup(services, request),
      ]);
      expect(one.backupId).toBe(two.backupId);
      expect([one.isNew, two.isNew].sort()).toEqual([false, true]);
    }
  });

  it('a backup that is asked for while its database is deleted goes with it, or finds it gone', async () => {
    for (const _ of TIMES) {
      const { database_id: databaseId } = await insertBackup(services.db, services.now(), {
        ...{ status: 'failed', outcome: 'failed' },
      });
      const [asked, removed] = await Promise.allSettled([
        requestBackup(services, { databaseId, type: 'manual', triggeredById: null }),
        removeDatabase(services, SYSTEM, databaseId, { files: 'keep' }),
      ]);
      expect(removed.status).toBe('fulfilled');
      if (asked.status === 'rejected') expect(asked.reason).toMatchObject({ code: 'not_found' });
      const waiting = services.db.selectFrom('runs').select('id').where('state', '=', 'pending');
      expect(await waiting.execute()).toEqual([]);
    }
  });

  it('two who need the first signing key of a purpose get the same', async () => {
    for (const _ of TIMES) {
      await services.db.deleteFrom('signing_keys').execute();
      const get = () => signingKey(services.db, services.vault, 'manifest', services.now());
      const [one, two] = await Promise.all([get(), get()]);
      expect(one).toEqual(two);
    }
  });
});

async function newSetupCode(services: Services): Promise<string> {
  const { prepareFirstAdmin } = await import('../../src/auth/first-admin.ts');
  let code = '';
  const warn: Services['log']['warn'] = (_, fields) => {
    code = String(fields?.['setupCode']);
  };
  await prepareFirstAdmin({ ...services, log: { ...services.log, warn } });
  return code;
}

async function waitingRun(services: Services, lane: string): Promise<string> {
  const id = newId();
  await write(services.db, (trx) =>
    insertRun(trx, { id, kind: 'backup', subjectId: null, serverId: null, lane }, services.now()),
  );
  return id;
}

/** A run of this process, recorded to store 7 bytes under that key. */
async function claimed(services: Services, key: string | null) {
  const backup = await insertBackup(services.db, services.now(), {
    ...{ status: 'in_progress', outcome: null, claimed_by: 'me', started_at: services.now().toISOString() },
  });
  if (key !== null) {
    const place = { endpoint: 'https://s3.example.com', region: null, bucket: 'b', key };
    await services.db
      .insertInto('backup_objects')
      .values({ id: backup.id, backup_id: backup.id, kind: 'dump', number: 0, ...place, bytes: 7 })
      .execute();
  }
  return backup;
}

async function completed(services: Services, key: string) {
  const backup = await claimed(services, key);
  await settleCompleted(services.db, { runId: backup.id, claimedBy: 'me' }, STORED, services.now());
  return backup;
}

async function totalsOf(services: Services, databaseId: string) {
  const totals = await services.db
    .selectFrom('stored_totals')
    .select(['backups', 'bytes'])
    .where('database_id', '=', databaseId)
    .execute();
  return totals.map(({ backups, bytes }) => [Number(backups), Number(bytes)]);
}
