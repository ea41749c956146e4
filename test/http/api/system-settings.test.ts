import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { confirmMasterKeyCopy, needsMasterKeyCopy } from '../../../src/installation/master-key-copy.ts';
import { readSettings } from '../../../src/settings/settings.ts';
import { openTestApp, type TestApp } from '../../support/app.ts';

const PATH = '/api/settings/system';
const NOW = new Date('2026-02-25T10:00:00.000Z');

let app: TestApp;
beforeEach(async () => {
  app = await openTestApp();
  app.setNow(NOW);
});
afterEach(() => app.close());

const put = (body: object, method = 'PUT') => app.call(method, PATH, { body });
const settings = async () => (await app.call('GET', PATH)).body.settings;

describe('the settings of the installation', () => {
  it('are their defaults at first, for everybody to read', async () => {
    const { status, body } = await app.call('GET', PATH, { token: app.tokens.viewer });
    expect(status).toBe(200);
    expect(body.settings).toEqual({ id: 'singleton', ...body.defaults, updatedAt: null });
    expect(body.defaults).toMatchObject({
      sshCommandTimeoutMs: 60_000,
      sshReadyTimeoutMs: 10_000,
      pgDumpTimeoutMs: 300_000,
      activeUserWindowMin: 15,
      auditLogRetentionDays: 90,
      notificationRetentionDays: 30,
      webhookDeliveryRetentionDays: 30,
      timezone: 'UTC',
      backupRetentionPreset: 'balanced',
      backupRetentionKeepLast: 24,
      backupRetentionDaily: 7,
      backupRetentionWeekly: 4,
      backupRetentionMonthly: 6,
      backupRetentionYearly: 0,
      backupRetentionMinFloor: 2,
      backupRetentionMaxTotalBytes: null,
      failedBackupRetentionDays: 3,
      fullReadEveryDays: 7,
      backupRotationConfirmThreshold: 5,
      publicUrl: null,
      webhookMaxRetries: 3,
      webhookTimeoutMs: 30_000,
      webhookRetryDelaysMs: '[1000,5000,15000]',
      maxUploadSizeMb: 50,
      registryMaxTags: 50,
      defaultLogLines: 50,
    });
  });

  it.each(['PUT', 'PATCH'])(
    'are changed one by one by %s, and what is not known is left out',
    async (method) => {
      const { status, body } = await put({ timezone: 'Australia/Lord_Howe', id: 'x', nonsense: 1 }, method);
      expect(status).toBe(200);
      expect(body.settings).toMatchObject({
        id: 'singleton',
        timezone: 'Australia/Lord_Howe',
        updatedAt: NOW.toISOString(),
      });
      await put({ publicUrl: 'https://b.example.com/x' }, method);
      expect(await settings()).toEqual({
        ...body.settings,
        publicUrl: 'https://b.example.com/x',
      });
      expect((await app.call('GET', PATH)).body.defaults.timezone).toBe('UTC');
    },
  );

  it('may be sent back whole as they were read', async () => {
    const before = await settings();
    const { status, body } = await put(before);
    expect(status).toBe(200);
    expect(body.settings).toEqual({ ...before, updatedAt: NOW.toISOString() });
  });

  it.each([
    ['sshCommandTimeoutMs', 1000, 600_000],
    ['sshReadyTimeoutMs', 1000, 120_000],
    ['pgDumpTimeoutMs', 30_000, 3_600_000],
    ['activeUserWindowMin', 1, 1440],
    ['auditLogRetentionDays', 0, 3650],
    ['notificationRetentionDays', 1, 365],
    ['webhookDeliveryRetentionDays', 1, 365],
    ['backupRetentionKeepLast', 0, 100],
    ['backupRetentionDaily', 0, 366],
    ['backupRetentionWeekly', 0, 520],
    ['backupRetentionMonthly', 0, 240],
    ['backupRetentionYearly', 0, 50],
    ['backupRetentionMinFloor', 1, 10],
    ['backupRetentionMaxTotalBytes', 0, Number.MAX_SAFE_INTEGER],
    ['failedBackupRetentionDays', 1, 3650],
    ['fullReadEveryDays', 0, 365],
    ['backupRotationConfirmThreshold', 0, 10_000],
    ['maxConcurrentBackups', 1, 64],
  ])('hold %s within %d and %d', async (name, least, most) => {
    for (const value of [least, most]) {
      const { status, body } = await put({ [name]: value });
      expect([status, body.settings?.[name]]).toEqual([200, value]);
    }
    for (const value of [least - 1, most + 1, least + 0.5, String(least), [least], true]) {
      const { status, body } = await put({ [name]: value, timezone: 'Asia/Tokyo' });
      expect([status, body.code, body.details?.[0]?.path], String(value)).toEqual([
        400,
        'VALIDATION_ERROR',
        [name],
      ]);
    }
    expect((await settings()).timezone).toBe('UTC');
  });

  it.each(['', 'Mars/Olympus', '+02:00', 'Europe/Berlin ', 'UTC\u0000', '🌍', 'x'.repeat(5000), null, 2])(
    'refuse %j as a zone',
    async (timezone) => {
      expect((await put({ timezone })).status).toBe(400);
    },
  );

  it.each(['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires', 'Etc/GMT+5', 'Africa/Casablanca'])(
    'take %s as a zone',
    async (timezone) => {
      expect((await put({ timezone })).body.settings.timezone).toBe(timezone);
    },
  );

  it.each([
    ...[
      'not a url',
      'javascript:alert(1)',
      'ftp://x',
      '//x',
      'https://',
      'https://user:pass@x',
      'https://a\nb',
    ],
    ...[7, `https://x/${'y'.repeat(3000)}`],
  ])('refuse %j as the public URL', async (publicUrl) => {
    expect((await put({ publicUrl })).status).toBe(400);
  });

  it.each(['', null])('clear the public URL by %j', async (publicUrl) => {
    await put({ publicUrl: 'http://[::1]:3000/a?b=ü' });
    expect((await settings()).publicUrl).toBe('http://[::1]:3000/a?b=ü');
    expect((await put({ publicUrl })).body.settings.publicUrl).toBeNull();
  });

  it.each(['', 'x', '[1,-1]', '{}', '["1"]'])(
    'refuse %j as delays of webhooks',
    async (webhookRetryDelaysMs) => {
      expect((await put({ webhookRetryDelaysMs })).status).toBe(400);
    },
  );

  it('have the tiers of a named preset, whatever is sent for them', async () => {
    const tiers = { backupRetentionKeepLast: 1, backupRetentionYearly: 50 };
    const { body } = await put({
      backupRetentionPreset: 'long_term',
      ...tiers,
      backupRetentionMaxTotalBytes: 2 ** 40,
    });
    expect(body.settings).toMatchObject({
      backupRetentionPreset: 'long_term',
      backupRetentionKeepLast: 24,
      backupRetentionDaily: 7,
      backupRetentionWeekly: 4,
      backupRetentionMonthly: 12,
      backupRetentionYearly: 3,
      backupRetentionMinFloor: 2,
      backupRetentionMaxTotalBytes: 2 ** 40,
    });
    const lean = (await put({ backupRetentionPreset: 'lean' })).body.settings;
    expect(lean).toMatchObject({
      backupRetentionKeepLast: 12,
      backupRetentionMonthly: 0,
      backupRetentionYearly: 0,
    });
    expect((await put({ backupRetentionPreset: 'custom', ...tiers })).body.settings).toMatchObject(tiers);
    expect((await put({ backupRetentionPreset: 'all' })).status).toBe(400);
    // The bounds count although a preset sets the tiers.
    expect((await put({ backupRetentionPreset: 'lean', backupRetentionDaily: 367 })).status).toBe(400);
  });

  it('call the preset custom once a tier is another’s', async () => {
    expect((await put({ backupRetentionDaily: 7 })).body.settings.backupRetentionPreset).toBe('balanced');
    expect((await put({ backupRetentionDaily: 30 })).body.settings).toMatchObject({
      backupRetentionPreset: 'custom',
      backupRetentionDaily: 30,
      backupRetentionMonthly: 6,
    });
  });

  it('are reset, but for what the installation notes for itself', async () => {
    const context = { ...app.services, config: { masterKey: null } };
    await confirmMasterKeyCopy(context, { userId: null, address: null });
    await put({ timezone: 'Asia/Tokyo', backupRetentionPreset: 'lean', publicUrl: 'https://x' });
    const { status, body } = await app.call('POST', `${PATH}/reset`);
    const { defaults } = (await app.call('GET', PATH)).body;
    expect([status, body]).toEqual([
      200,
      {
        settings: { id: 'singleton', ...defaults, updatedAt: NOW.toISOString() },
        message: 'Settings reset to defaults',
      },
    ]);
    expect(await needsMasterKeyCopy(context)).toBe(false);
  });

  it('tell the audit what was changed and what it was, and nothing of what was refused', async () => {
    await put({ timezone: 'Asia/Tokyo' });
    await put({ timezone: 'Mars' });
    app.setNow(new Date(NOW.getTime() + 1));
    await app.call('POST', `${PATH}/reset`);
    const rows = await app.services.db
      .selectFrom('audit_logs')
      .selectAll()
      .where('resource_type', '=', 'system_settings')
      .orderBy('created_at')
      .execute();
    expect(rows.map(({ action, details, user_id }) => [action, JSON.parse(details ?? ''), user_id])).toEqual([
      ['update', { changes: { timezone: 'Asia/Tokyo' }, before: { timezone: 'UTC' } }, app.userIds.admin],
      ['update', { action: 'reset_to_defaults', before: { timezone: 'Asia/Tokyo' } }, app.userIds.admin],
    ]);
  });

  it('are whole after two changes at once', async () => {
    const answers = await Promise.all([
      put({ backupRetentionPreset: 'lean' }),
      put({ backupRetentionDaily: 100 }),
      put({ backupRetentionPreset: 'long_term' }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const { backupRetentionPreset, backupRetentionDaily } = await settings();
    expect(backupRetentionPreset === 'custom' ? 100 : 7).toBe(backupRetentionDaily);
  });

  it('count as absent where what is stored no longer fits', async () => {
    await app.services.db
      .insertInto('system_settings')
      .values({ key: 'timezone', value: '"Mars"', updated_at: NOW.toISOString() })
      .execute();
    await app.services.db
      .insertInto('system_settings')
      .values({ key: 'backupRetentionDaily', value: '9', updated_at: NOW.toISOString() })
      .execute();
    expect(await readSettings(app.services.db)).toMatchObject({ timezone: 'UTC', backupRetentionDaily: 9 });
  });
});
