import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Db } from '../../../src/db/schema.ts';
import { DATABASE, openWorld, type World } from '../../retention/world.ts';
import { openTestApp, type Reply, type TestApp } from '../../support/app.ts';
import { asWritten } from '../../support/as-written.ts';
import { dropStates, openState, STATES } from '../../support/states.ts';
import { until } from '../../support/until.ts';

const NOW = new Date('2026-03-04T05:06:07.890Z');
const DAY_MS = 86_400_000;
const BASE = `/api/databases/${encodeURIComponent(DATABASE)}`;
const POLICY = `${BASE}/backup-policy`;
const LEAN = { keepLast: 12, daily: 7, weekly: 4, monthly: 0, yearly: 0, minFloor: 2 };
const BALANCED = { keepLast: 24, daily: 7, weekly: 4, monthly: 6, yearly: 0, minFloor: 2 };
const LONG_TERM = { keepLast: 24, daily: 7, weekly: 4, monthly: 12, yearly: 3, minFloor: 2 };
const CUSTOM = { keepLast: 3, daily: 0, weekly: 0, monthly: 0, yearly: 0, minFloor: 1 };

afterAll(dropStates);

describe.each(STATES)('section 10 of the contract, on %s', (state) => {
  let db: Db;
  let app: TestApp;
  let world: World;
  beforeEach(async () => {
    db = await openState(state);
    world = await openWorld(db, NOW);
    app = await openTestApp({ db, services: { openPlace: world.services().openPlace } });
    app.setNow(NOW);
  });
  afterEach(() => app.close());

  it('shows what counts, what is its own and the default', async () => {
    const inherited = { ...BALANCED, maxTotalBytes: null, preset: 'balanced', source: 'inherited' };
    const policy = { ...inherited, autoApplied: false, maxShrinkPercent: 50 };
    expect(await get(POLICY)).toEqual({
      ...{ effective: policy, override: null, globalDefault: policy, source: 'inherited', frozen: null },
    });
  });

  it('saves a policy of its own, whose preset sets the tiers whatever is sent, and shows its row', async () => {
    const sent = { preset: 'lean', ...CUSTOM, maxTotalBytes: 5_000_000_000 };
    const { body } = await call('PUT', POLICY, sent);
    const row = {
      ...LEAN,
      preset: 'lean',
      maxTotalBytes: 5_000_000_000,
      inheritGlobal: false,
      autoApplied: false,
    };
    expect(body.override).toMatchObject({ ...row, databaseId: DATABASE, createdAt: NOW.toISOString() });
    expect(body.rotation).toEqual({
      ...{ keep: [], prune: [], bytesFreed: 0, cappedButUnreachable: false, frozen: null },
    });
    const shown = await get(POLICY);
    expect(shown).toMatchObject({
      source: 'override',
      effective: { ...LEAN, source: 'override', autoApplied: false },
    });
    expect(shown.override).toEqual(body.override);
    expect(shown.globalDefault).toMatchObject(BALANCED);
    expect((await put({ preset: 'long_term', ...CUSTOM })).override).toMatchObject({
      ...LONG_TERM,
      id: body.override.id,
      maxTotalBytes: null,
    });
    expect((await put({ preset: 'custom', ...CUSTOM })).override).toMatchObject(CUSTOM);
    expect((await actions()).filter(({ type }) => type === 'backup_retention_policy')).toHaveLength(3);
  });

  it('keeps a row that inherits nevertheless, and forgets it when it is deleted, twice too', async () => {
    const { override } = await put({ preset: 'custom', ...CUSTOM, inheritGlobal: true });
    expect(override).toMatchObject({ ...CUSTOM, inheritGlobal: true });
    expect(await get(POLICY)).toMatchObject({ source: 'inherited', effective: BALANCED, override });
    for (let time = 0; time < 2; time += 1) {
      const { status, body } = await call('DELETE', POLICY);
      expect([status, body]).toEqual([
        200,
        { effective: expect.objectContaining({ ...BALANCED, source: 'inherited' }), source: 'inherited' },
      ]);
    }
    expect((await get(POLICY)).override).toBeNull();
    expect((await actions()).filter(({ action }) => action === 'delete')).toHaveLength(1);
  });

  it('asks as well where the installation’s policy would prune much, and saves it when that is confirmed', async () => {
    const ids = await nightly(9);
    const change = { backupRetentionPreset: 'custom', backupRetentionKeepLast: 2, backupRetentionDaily: 0 };
    const sent = { ...change, backupRetentionWeekly: 0, backupRetentionMonthly: 0 };
    const { status, body } = await call('PUT', '/api/settings/system', sent);
    expect(status).toBe(409);
    expect(body).toEqual({
      confirmationRequired: true,
      preview: { prune: expect.any(Array), total: 7, databases: 1, bytesFreed: 700 },
    });
    expect(idsOf(body.preview.prune)).toEqual(ids.slice(0, 7));
    const keepLast = async () => (await get('/api/settings/system')).settings.backupRetentionKeepLast;
    expect(await keepLast()).toBe(24);
    const confirmed = await call('PATCH', '/api/settings/system', { ...sent, confirm: true });
    expect([confirmed.status, await keepLast()]).toEqual([200, 2]);
    expect((await call('PUT', '/api/settings/system', { confirm: 'yes' })).status).toBe(400);
    expect((await call('POST', '/api/settings/system/reset')).status).toBe(200);
    expect(await keepLast()).toBe(24);
  });

  it('asks before it prunes more than the threshold, saves nothing then, and prunes at once when it is confirmed', async () => {
    const ids = await nightly(9);
    const sent = { preset: 'custom', ...CUSTOM };
    const { status, body } = await call('PUT', POLICY, sent);
    expect(status).toBe(409);
    expect(Object.keys(body).sort()).toEqual(['confirmationRequired', 'preview']);
    expect(body.confirmationRequired).toBe(true);
    expect(Object.keys(body.preview).sort()).toEqual(['bytesFreed', 'keep', 'prune']);
    expect(idsOf(body.preview.keep)).toEqual(ids.slice(6).reverse());
    expect(idsOf(body.preview.prune)).toEqual(ids.slice(0, 6).reverse());
    expect(body.preview.prune[0]).toMatchObject({
      filename: expect.any(String),
      createdAt: expect.any(String),
      size: 100,
    });
    expect(body.preview.bytesFreed).toBe(600);
    expect((await get(POLICY)).override).toBeNull();
    expect(await call('PUT', POLICY, { ...sent, confirm: false })).toMatchObject({ status: 409 });
    const { rotation } = await put({ ...sent, confirm: true });
    expect(rotation).toEqual({
      ...{ keep: ids.slice(6).reverse(), prune: ids.slice(0, 6).reverse(), bytesFreed: 600 },
      ...{ cappedButUnreachable: false, frozen: null },
    });
    expect(await listed()).toEqual(ids.slice(6).reverse());
    expect(world.objects.size).toBe(3);
    expect(await rotations()).toMatchObject([
      { trigger: 'policy-change', toPrune: 6 },
      { trigger: 'policy-change', bytesFreed: 600, pruned: expect.any(Array) },
    ]);
  });

  it('prunes as many as the threshold without a question', async () => {
    const ids = await nightly(8);
    expect((await put({ preset: 'custom', ...CUSTOM })).rotation.prune).toHaveLength(5);
    expect(await listed()).toEqual(ids.slice(5).reverse());
  });

  it('previews what counts now, a preset with the present cap, tiers over the present ones, and changes nothing', async () => {
    const ids = await nightly(9);
    await put({ preset: 'lean', ...LEAN, maxTotalBytes: 700 });
    const preview = async (body?: object) => (await call('POST', `${POLICY}/preview`, body, 'viewer')).body;
    const now = await preview();
    expect(now.policy).toMatchObject({ ...LEAN, maxTotalBytes: 700, preset: 'lean', source: 'override' });
    expect(now.keep.map(({ id }: { id: string }) => id)).toEqual(ids.slice(2).reverse());
    expect(await preview({ preset: 'long_term' })).toMatchObject({
      policy: { ...LONG_TERM, preset: 'long_term', maxTotalBytes: 700, source: 'override' },
    });
    expect(await preview({ preset: 'lean', maxTotalBytes: null })).toMatchObject({
      policy: { maxTotalBytes: null },
    });
    expect((await preview({ keepLast: 1, daily: 0 })).policy).toMatchObject({
      ...LEAN,
      keepLast: 1,
      daily: 0,
      preset: 'custom',
    });
    const { prune, bytesFreed, cappedButUnreachable } = await preview({
      preset: 'custom',
      ...CUSTOM,
      maxTotalBytes: 0,
    });
    expect([prune.length, bytesFreed, cappedButUnreachable]).toEqual([6, 600, true]);
    expect(prune[5]).toMatchObject({ id: ids[2], rule: 'No rule keeps it' });
    await call('DELETE', POLICY);
    expect((await preview()).policy.source).toBe('inherited');
    expect((await preview({})).policy).toMatchObject({ ...BALANCED, source: 'override' });
    expect(await listed()).toHaveLength(7);
  });

  it('rotates on request, with what could not be removed, which the backup tells too', async () => {
    const ids = await nightly(4);
    await put({ preset: 'custom', ...CUSTOM, minFloor: 4 });
    await db.updateTable('backup_policies').set({ min_floor: 1 }).execute();
    world.mood = 'refuses';
    const { status, body } = await call('POST', `${BASE}/rotate`);
    expect(status).toBe(200);
    const error = 'The storage refused: check the permissions of the key.';
    expect(body).toMatchObject({ prune: [ids[0]], errors: [{ backupId: ids[0], error }], bytesFreed: 100 });
    expect((await get(`/api/backups/${ids[0]}`)).backup.lastRotationError).toBe(error);
    world.mood = 'well';
    app.setNow(new Date(NOW.getTime() + 3_600_000));
    const again = (await call('POST', `${BASE}/rotate`)).body;
    expect([again.prune, again.errors]).toEqual([[ids[0]], undefined]);
    expect(await listed()).toEqual(ids.slice(1).reverse());
    const refused = (await rows()).filter(({ success }) => success === 0);
    expect(refused).toMatchObject([
      { action: 'backup.rotate', error, details: expect.stringContaining(ids[0] ?? '') },
    ]);
    expect((await rotations()).filter(({ trigger }) => trigger === 'manual')).toHaveLength(4);
    expect((await call('POST', `${BASE}/rotate`)).body.prune).toEqual([]);
  });

  it('never touches backups made by hand, pinned ones and the floor', async () => {
    const manual = await world.succeed({ type: 'manual', created_at: at(-30) });
    const pinned = await world.succeed({ is_pinned: 1, created_at: at(-29) });
    const ids = await nightly(4);
    await put({ preset: 'custom', ...CUSTOM, keepLast: 0, minFloor: 2, maxTotalBytes: 0 });
    expect(await listed()).toEqual([ids[3], ids[2], pinned, manual]);
  });

  it('says that pruning stands still, and goes on when that is accepted', async () => {
    const ids = await nightly(4);
    const small = await world.succeed({ size: 1 });
    await put({ preset: 'custom', ...CUSTOM });
    const { frozen } = await get(POLICY);
    expect(frozen).toMatchObject({
      backupId: small,
      reason: expect.stringContaining('Nothing of this database is pruned'),
    });
    const { body } = await call('POST', `${BASE}/rotate`);
    expect(body).toMatchObject({ prune: [], bytesFreed: 0, frozen: { backupId: small } });
    expect(body.keep).toHaveLength(5);
    expect((await call('POST', `${POLICY}/preview`)).body).toMatchObject({
      frozen: { backupId: small },
      prune: [{}, {}],
    });
    expect(await call('POST', `${POLICY}/accept`, {}, 'viewer')).toMatchObject({ status: 403 });
    expect((await call('POST', `${POLICY}/accept`)).body).toEqual({ success: true });
    expect((await get(POLICY)).frozen).toBeNull();
    await until('the pruning to be over', 10_000, async () => (await listed()).length === 3);
    expect(await listed()).toEqual([small, ids[3], ids[2]]);
  });

  it('refuses what is out of bounds or of another kind, of a named preset too, and saves nothing', async () => {
    const wrong = [
      ['keepLast', 101],
      ['daily', 367],
      ['weekly', 521],
      ['monthly', 241],
      ['yearly', 51],
      ['minFloor', 11],
      ['minFloor', 0],
      ['keepLast', -1],
      ['daily', 1.5],
      ['daily', '7'],
      ['weekly', null],
      ['maxTotalBytes', -1],
      ['maxTotalBytes', 2 ** 60],
      ['preset', 'Lean'],
      ['inheritGlobal', 'true'],
      ['maxShrinkPercent', 0],
    ] as const;
    for (const [field, value] of wrong) {
      for (const [method, path] of [
        ['PUT', POLICY],
        ['POST', `${POLICY}/preview`],
      ] as const) {
        const { status, body } = await call(method, path, { preset: 'lean', ...LEAN, [field]: value });
        expect([field, status, body.message, body.details?.[0]?.path]).toEqual([
          field,
          400,
          'Invalid input',
          [field],
        ]);
      }
    }
    expect((await get(POLICY)).override).toBeNull();
  });

  it('refuses a policy without its tiers, unknown databases, and who may not', async () => {
    expect(await call('PUT', POLICY, { preset: 'lean' })).toMatchObject({ status: 400 });
    const writes = [
      ['PUT', POLICY],
      ['DELETE', POLICY],
      ['POST', `${BASE}/rotate`],
    ] as const;
    for (const [method, path] of writes) {
      const unknown = path.replace(encodeURIComponent(DATABASE), 'nope%22%20ü');
      const body = { preset: 'lean', ...LEAN };
      expect(await call(method, unknown, body)).toMatchObject({
        status: 404,
        body: { message: 'Database not found' },
      });
      expect(await call(method, path, body, 'viewer')).toMatchObject({ status: 403 });
      expect(await call(method, path, body, 'operator')).toMatchObject({ status: 200 });
    }
    expect(await call('GET', '/api/databases/nope/backup-policy')).toMatchObject({ status: 404 });
    expect(await call('POST', '/api/databases/nope/backup-policy/preview')).toMatchObject({ status: 404 });
  });

  type Who = 'admin' | 'operator' | 'viewer';
  const call = (method: string, path: string, body?: object, who: Who = 'admin'): Promise<Reply> =>
    app.call(method, path, { token: app.tokens[who], ...(body === undefined ? {} : { body }) });
  const get = async (path: string) => (await call('GET', path, undefined, 'viewer')).body;
  const put = async (sent: object) => {
    const { status, body } = await call('PUT', POLICY, sent);
    expect([status, body]).toEqual([200, body]);
    return body;
  };
  const at = (day: number) => new Date(NOW.getTime() + day * DAY_MS).toISOString();
  const idsOf = (all: readonly { id: string }[]) => all.map(({ id }) => id);
  const listed = async () => idsOf((await get(`${BASE}/backups`)).backups);
  const rows = () => db.selectFrom('audit_logs').selectAll().orderBy(asWritten(db)).execute();
  const actions = async () => (await rows()).map(({ action, resource_type: type }) => ({ action, type }));
  const rotations = async () => {
    const found = (await rows()).filter(({ action }) => action === 'backup.rotate');
    return found.map(({ details }) => JSON.parse(details ?? ''));
  };

  async function nightly(count: number): Promise<readonly string[]> {
    const ids: string[] = [];
    for (let day = count; day > 0; day -= 1) ids.push(await world.succeed({ created_at: at(-day) }));
    await db.deleteFrom('runs').where('kind', '=', 'prune').execute();
    return ids;
  }
});
