import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { settleCompleted } from '../../../src/backups/settle.ts';
import { createDatabase } from '../../../src/databases/databases.ts';
import { write } from '../../../src/db/write.ts';
import { createEnvironment } from '../../../src/environments/environments.ts';
import { newId } from '../../../src/ids.ts';
import { resetSettings } from '../../../src/settings/change-settings.ts';
import { readSettings, saveSettings } from '../../../src/settings/settings.ts';
import { addRun } from '../../support/backup-row.ts';
import { openPages, type Pages, type Visitor } from './pages.ts';

const ACTOR = { userId: null, address: null };
const DAY_MS = 86_400_000;
const NAME = `<script>"Größe" + 'x' 🐘`;

let folder: string;
let pages: Pages;
let operator: Visitor;
let databaseId: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'größe "+" '));
  pages = await openPages({ LOCAL_PATHS: folder });
  operator = await pages.signedIn('operator');
});
afterAll(async () => {
  await pages.close();
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  const { services } = pages;
  const { id } = await createEnvironment(services, ACTOR, { name: `e ${newId()}` });
  const source = { name: NAME, type: 'sqlite', filePath: join(folder, 'x.db') };
  databaseId = (await createDatabase(services, ACTOR, id, source)).id;
});

const base = () => `/databases/${databaseId}/retention`;
const text = (html: string) => html.replace(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ');

describe('the retention of a database', () => {
  it('tells what is kept, what stays and goes and by which rule, and never more than a page of it', async () => {
    const files = await nightly(60);
    const { html, status } = await (await pages.signedIn('viewer')).get(base());
    expect(status).toBe(200);
    expect(text(html)).toContain(
      'As the installation says, it keeps the 24 newest, 7 days, 4 weeks and 6 months.',
    );
    expect(text(html)).toContain('The 2 newest good backups are never pruned');
    expect(html.match(/badge-success">stays/g)?.length).toBeGreaterThan(24);
    expect(html).toContain('badge-neutral">goes<');
    expect(text(html)).toContain('No rule keeps it');
    expect(html).toContain(`${base()}?offset=50`);
    // A viewer is offered nothing that changes something.
    expect(html).not.toContain('<input type="radio"');
    expect(html).not.toContain('<script>"Gr');
    expect(files.every((file) => existsSync(file))).toBe(true);
  });

  it('shows what would go by what was typed, changes nothing, and gives the form back', async () => {
    await nightly(10);
    const typed = { ...CUSTOM, keepLast: '3' };
    const { html, status } = await operator.post(`${base()}/preview`, typed);
    expect(status).toBe(200);
    expect(text(html)).toContain('What would stay and what would go');
    expect(html.match(/">goes</g)).toHaveLength(7);
    expect(html).toMatch(/name="keepLast"[^>]*value="3"|value="3"[^>]*name="keepLast"/);
    expect((await operator.get(base())).html).not.toContain('">goes<');
  });

  it('asks before much goes, without a script, and prunes when that is confirmed', async () => {
    const files = await nightly(10);
    const typed = { ...CUSTOM, keepLast: '3', maxTotalGib: '1,5' };
    const asked = await operator.post(base(), typed);
    expect(asked.status).toBe(409);
    expect(text(asked.html)).toContain('Prune 7 backups?');
    expect(files.every((file) => existsSync(file))).toBe(true);
    const hidden = [...asked.html.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)];
    const { back: _, ...fields } = Object.fromEntries(hidden.map(([, name, value]) => [name, value]));
    expect(fields).toEqual({ ...typed, confirm: 'true' });
    const saved = await operator.post(base(), fields);
    expect([saved.status, saved.location]).toEqual([303, base()]);
    const { html } = await operator.get(base());
    expect(text(html)).toContain('It keeps the 3 newest, 1.5 GiB in all at most.');
    expect(files.map((file) => existsSync(file))).toEqual([...Array(7).fill(false), true, true, true]);
  });

  it('refuses numbers that are none or out of bounds, beside their fields', async () => {
    const wrong = { ...CUSTOM, keepLast: '101', daily: 'ü', maxTotalGib: '-1', maxShrinkPercent: '0' };
    for (const path of [base(), `${base()}/preview`]) {
      const cap = await operator.post(path, { ...wrong });
      expect([cap.status, cap.html.includes('Enter a number of GiB')]).toEqual([422, true]);
      const { status, html } = await operator.post(path, { ...wrong, maxTotalGib: '' });
      expect(status).toBe(422);
      for (const field of ['keepLast', 'daily', 'maxShrinkPercent'])
        expect(html).toContain(`field-${field}-error`);
      expect((await operator.post(path, { preset: '"><script>' })).status).toBe(422);
    }
    expect(
      await pages.services.db
        .selectFrom('backup_policies')
        .selectAll()
        .where('database_id', '=', databaseId)
        .execute(),
    ).toEqual([]);
  });

  it('is for operators to change, and of databases that there are', async () => {
    const viewer = await pages.signedIn('viewer');
    for (const path of ['', '/preview', '/accept', '/rotate'])
      expect([path, (await viewer.post(`${base()}${path}`, CUSTOM)).status]).toEqual([path, 403]);
    expect((await operator.get('/databases/nope/retention')).status).toBe(404);
    expect((await operator.post('/databases/nope/retention', CUSTOM)).status).toBe(404);
  });

  it('says why pruning stands still, and goes on with one click', async () => {
    const files = await nightly(6, 4000);
    await nightly(1, 100);
    await operator.post(base(), { ...CUSTOM, keepLast: '2' });
    const { html } = await operator.get(base());
    expect(text(html)).toMatch(/Nothing is pruned since .* less than the 4 KiB of those before it/);
    expect(html).not.toContain('Prune now');
    expect(files.every((file) => existsSync(file))).toBe(true);
    // A page of another reason accepts nothing.
    const stale = await operator.post(`${base()}/accept`, { since: '2026-03-04T05:06:07.890Z' });
    expect([stale.status, text(stale.html)]).toEqual([409, expect.stringContaining('another reason by now')]);
    expect(text((await operator.get(base())).html)).toContain('Nothing is pruned since');
    const since = /<input type="hidden" name="since" value="([^"]+)"/.exec(html)?.[1] ?? '';
    await operator.post(`${base()}/accept`, { since });
    await expect.poll(() => files.filter((file) => existsSync(file)).length).toBe(1);
    expect(text((await operator.get(base())).html)).not.toContain('Nothing is pruned since');
  });
});

describe('the retention that the installation says', () => {
  const SYSTEM = '/admin/system';
  /** As a browser sends its form. */
  const formOf = (html: string): Readonly<Record<string, string>> =>
    Object.fromEntries(
      [...html.matchAll(/<input[^>]*name="(\w+)"[^>]*value="([^"]*)"/g)]
        .filter(([input]) => !input.includes('type="checkbox"'))
        .map(([, name = '', value = '']) => [name, value]),
    );
  const rowOf = (html: string) =>
    text(
      [...html.matchAll(/<tr>.*?<\/tr>/g)].map(([row]) => row).find((row) => row.includes(`"${base()}"`)) ??
        '',
    );

  it('is shown as what would go of each database, however little, before anything is saved', async () => {
    const admin = await pages.signedIn('admin');
    const files = await nightly(5);
    const shown = formOf((await admin.get(SYSTEM)).html);
    const tiers = { backupRetentionDaily: '0', backupRetentionWeekly: '0', backupRetentionMonthly: '0' };
    const typed = {
      ...{ ...shown, ...tiers, backupRetentionPreset: 'custom', backupRetentionKeepLast: '3' },
      ...{ timezone: 'Europe/Berlin', backupRotationConfirmThreshold: '10000' },
    };
    const { status, html } = await admin.post(`${SYSTEM}/preview`, typed);
    expect(status).toBe(200);
    expect(text(html)).toMatch(/With these settings \d+ more backups of \d+ databases, .* are pruned/);
    expect(rowOf(html)).toMatch(/&lt;script&gt;.* e \w+ 2 200 B 5 d ago 4 d ago/);
    expect(html).not.toContain('<script>"Gr');
    expect(formOf(html)).toMatchObject({ backupRetentionKeepLast: '3', timezone: 'Europe/Berlin' });
    expect((await readSettings(pages.services.db)).backupRetentionKeepLast).toBe(24);
    expect(rowOf((await admin.get(SYSTEM)).html)).toBe('');

    const same = await admin.post(`${SYSTEM}/preview`, { ...shown, backupRetentionPreset: 'balanced' });
    expect(text(same.html)).toContain('Nothing: with these settings no backup goes that stays now.');
    const wrong = await admin.post(`${SYSTEM}/preview`, { ...typed, backupRetentionKeepLast: 'ü' });
    expect([wrong.status, wrong.html.includes('field-backupRetentionKeepLast-error')]).toEqual([422, true]);
    expect((await operator.post(`${SYSTEM}/preview`, typed)).status).toBe(403);

    // The question names them too.
    const asked = await admin.post(SYSTEM, { ...typed, backupRotationConfirmThreshold: '10000' });
    expect(asked.status).toBe(409);
    expect(rowOf(asked.html)).not.toBe('');
    // Few enough to go unasked: they are told.
    await write(pages.services.db, (trx) =>
      saveSettings(trx, { backupRotationConfirmThreshold: 10_000 }, new Date()),
    );
    const { seen = '' } = formOf((await admin.get(SYSTEM)).html);
    const saved = await admin.post(SYSTEM, { ...typed, seen });
    expect(saved.location).toBe(SYSTEM);
    expect((await admin.get(SYSTEM)).html).toMatch(/By them \d+ more backups go: with the next backup/);
    expect(files.every((file) => existsSync(file))).toBe(true);
    await resetSettings(pages.services, ACTOR);
  });
});

const CUSTOM = {
  ...{ preset: 'custom', keepLast: '2', daily: '0', weekly: '0', monthly: '0', yearly: '0', minFloor: '1' },
  ...{ maxTotalGib: '', maxShrinkPercent: '' },
};

/** Backups of so many nights in files, the oldest first; none is pruned yet. */
async function nightly(count: number, size = 100): Promise<readonly string[]> {
  const { db } = pages.services;
  const files: string[] = [];
  for (let night = count; night > 0; night -= 1) {
    const [id, now] = [
      newId(),
      new Date(Date.now() - (night - (size === 100 && count === 1 ? 0.5 : 0)) * DAY_MS),
    ];
    const key = join(folder, `${id} ü "+".sql`);
    files.push(key);
    await writeFile(key, 'x'.repeat(size));
    const backup = await db
      .insertInto('backups')
      .values({
        ...{ id, database_id: databaseId, filename: `${NAME}-${night}`, size: 0, type: 'scheduled' },
        ...{
          status: 'in_progress',
          storage_type: 'local',
          storage_path: key,
          bytes_read: 0,
          bytes_stored: 0,
        },
        ...{ created_at: now.toISOString(), is_pinned: 0, token: newId() },
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    await addRun(db, backup, { claimed_by: 'w' });
    const place = { endpoint: 'host:local', region: null, bucket: '' };
    await db
      .insertInto('backup_objects')
      .values({ id: newId(), backup_id: id, kind: 'dump', number: 0, ...place, key, bytes: size })
      .execute();
    await settleCompleted(
      db,
      { runId: id, claimedBy: 'w' },
      { bytes: size, sha256: null, versionId: null },
      now,
    );
    // Only what a page asks for is pruned here.
    await db.deleteFrom('runs').where('kind', '=', 'prune').execute();
  }
  return files;
}
