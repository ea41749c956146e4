import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BackupRow } from '../../../src/db/schema.ts';
import { newId } from '../../../src/ids.ts';
import { insertBackup } from '../../support/backup-row.ts';
import { openPages, type Pages, type Visitor } from './pages.ts';

const MIB = 1024 ** 2;
const HOUR_MS = 3_600_000;
const ODD = `Größe + "x" <b>🐘</b> ${'l'.repeat(160)}`;
const ODD_HTML = `Größe + &quot;x&quot; &lt;b&gt;🐘&lt;/b&gt; ${'l'.repeat(160)}`;

let pages: Pages;
let viewer: Visitor;
beforeAll(async () => {
  pages = await openPages();
  viewer = await pages.signedIn('viewer');
});
afterAll(() => pages.close());

const textOf = (html: string) =>
  html
    .replace(/<[^>]+>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
const hoursAgo = (hours: number) => new Date(pages.services.now().getTime() - hours * HOUR_MS);

/** A backup of a database of its own, of that name. */
async function backedUp(
  name: string,
  hours: number,
  values: Pick<BackupRow, 'status' | 'outcome'> & Partial<BackupRow> & { readonly step?: string },
) {
  const { db } = pages.services;
  const at = hoursAgo(hours).toISOString();
  const row = await insertBackup(db, hoursAgo(hours), { started_at: at, completed_at: at, ...values });
  await db.updateTable('databases').set({ name }).where('id', '=', row.database_id).execute();
  return row;
}

const GOOD = { status: 'completed', outcome: 'completed', verification: 'stored' } as const;

describe('what runs now', () => {
  const shareIn = (html: string) => /<progress[^>]*max="100"(?: value="(\d+)")?/.exec(html)?.[1];

  it('is told in the numbers of its own page, on the overview and under Runs', async () => {
    const { db } = pages.services;
    const good = await backedUp(ODD, 30, { ...GOOD, bytes_read: 100 * MIB, size: 9 * MIB });
    const values = { status: 'in_progress', outcome: null, estimated_bytes: 316 * MIB } as const;
    const live = await backedUp('other', 0, {
      ...{ ...values, bytes_read: 64 * MIB, bytes_stored: 6 * MIB, completed_at: null, step: 'dump' },
    });
    // Of the same database, whose estimate of its size is another.
    await db
      .updateTable('backups')
      .set({ database_id: good.database_id })
      .where('id', '=', live.id)
      .execute();
    const own = await viewer.get(`/databases/${good.database_id}/runs`);
    const [, numbers = ''] = /class="progress-numbers"[^>]*>([^<]+)</.exec(own.html) ?? [];
    expect(numbers).toBe('64.0 MiB of about 100 MiB');
    expect(shareIn(own.html)).toBe('64');
    for (const path of ['/', '/runs', '/runs/running']) {
      const { html } = await viewer.get(path);
      const [, part = ''] = new RegExp(`id="running-${live.id}">(.*?)</li>`, 's').exec(html) ?? [];
      expect([path, textOf(part).includes(`running dumping ${numbers}`)]).toEqual([path, true]);
      expect([path, shareIn(part)]).toEqual([path, '64']);
      expect(html).toContain(`data-title="64 % · ${ODD_HTML}"`);
    }
    for (const [step, words] of [
      ['upload', 'storing'],
      ['verify', 'reading back'],
    ] as const) {
      await db.updateTable('runs').set({ step }).where('id', '=', live.id).execute();
      const { html } = await viewer.get('/runs/running');
      expect([step, html.includes('<progress'), shareIn(html)]).toEqual([step, true, undefined]);
      expect(textOf(html)).toContain(`${words} 64.0 MiB dumped · 6.0 MiB stored`);
      expect(html).toContain(`data-title="${words} · Größe`);
    }
    await db.deleteFrom('runs').where('id', '=', live.id).execute();
    await db.deleteFrom('backups').where('id', '=', live.id).execute();
  });

  it('is told of a restore by what it has read, and of others by their step', async () => {
    const { db, now } = pages.services;
    const at = now().toISOString();
    const of = await backedUp('restored', 9, GOOD);
    const id = newId();
    const run = {
      ...{ server_id: null, progress: 0, attempts: 1, in_repair: 0, created_at: at, started_at: at },
      ...({ state: 'running', subject_id: null } as const),
    };
    await db
      .insertInto('runs')
      .values([
        { id: newId(), kind: 'deep_test', lane: 'x', step: 'storing an object', ...run },
        { id: newId(), kind: 'verification', lane: 'y', step: 'reading', ...run },
        {
          ...{ ...run, id, kind: 'restore', lane: 'z', step: 'load', subject_id: of.id },
          detail: JSON.stringify({ bytes: 30 * MIB, total: 60 * MIB }),
        },
      ])
      .execute();
    const { environment_id } = await db
      .selectFrom('databases')
      .select('environment_id')
      .where('id', '=', of.database_id)
      .executeTakeFirstOrThrow();
    await db
      .insertInto('restores')
      .values({
        ...{ id, backup_id: of.id, database_id: of.database_id, environment_id, engine: 'sqlite' },
        ...{ options: '{}', new_name: 'n', token: id, state: 'loading', removal_tries: 0, created_at: at },
        ...{ in_place: 0, end_sessions: 0, is_name_ours: 0 },
      })
      .execute();
    const { html } = await viewer.get('/runs/running');
    const text = textOf(html);
    expect(text).toContain('of restored running loading 30.0 MiB of 60.0 MiB');
    expect(shareIn(html.slice(html.indexOf(`running-${id}`)))).toBe('50');
    expect((await viewer.get(`/restores/${id}/run`)).html).toContain('30.0 MiB of 60.0 MiB');
    expect(text).toContain('of the storage running storing an object');
    expect(text).toContain('running reading in full');
    await db.deleteFrom('runs').where('started_at', '=', at).execute();
    await db.deleteFrom('restores').execute();
  });
});
