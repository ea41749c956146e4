import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BackupRow } from '../../../src/db/schema.ts';
import { write } from '../../../src/db/write.ts';
import { newId } from '../../../src/ids.ts';
import { insertRun } from '../../../src/runs/claim.ts';
import { insertBackup } from '../../support/backup-row.ts';
import { openPages, type Pages, type Visitor } from './pages.ts';

const NAME = `-it's "größe" <b> 🐘`;
const SHA256 = 'ab'.repeat(32);

let pages: Pages;
let admin: Visitor;
let viewer: Visitor;
let databaseId = '';

beforeAll(async () => {
  pages = await openPages();
  [admin, viewer] = [await pages.signedIn('admin'), await pages.signedIn('viewer')];
});
afterAll(() => pages.close());

async function backup(change: Pick<BackupRow, 'status' | 'outcome'> & Partial<BackupRow>, bytes?: number) {
  const { db } = pages.services;
  const row = await insertBackup(db, new Date(Date.now() - 3_600_000), {
    ...{ filename: `${NAME}-2026-03-04T05-06-07-890Z.sql.zst`, token: newId(), format: 'plain' },
    ...(databaseId === '' ? {} : { database_id: databaseId }),
    ...change,
  });
  if (databaseId === '') {
    databaseId = row.database_id;
    await db.updateTable('databases').set({ name: NAME }).where('id', '=', databaseId).execute();
  }
  if (bytes !== undefined) {
    const place = { endpoint: 'https://s3.example.com', region: 'fra1', bucket: 'sicherung' };
    await db
      .insertInto('backup_objects')
      .values({
        ...{ id: newId(), backup_id: row.id, kind: 'dump', number: 0, ...place, bytes },
        ...{ key: `production/${NAME}/${row.id}`, version_id: 'v"1' },
      })
      .execute();
  }
  return row.id;
}

const completed = () =>
  backup(
    {
      ...{ status: 'completed', outcome: 'completed', size: 61_089_068, sha256: SHA256, duration: 4 },
      ...{ verification: 'stored', verified_at: new Date().toISOString(), compression: 'zstd-3' },
      completed_at: new Date().toISOString(),
    },
    61_089_068,
  );

describe('the page of a good backup', () => {
  it('says its exact instants with their zone in words, that of who reads it, not in titles alone', async () => {
    const id = await completed();
    const { created_at: askedAt, completed_at: endedAt } = await pages.services.db
      .selectFrom('backups')
      .select(['created_at', 'completed_at'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    const cookie = `${viewer.cookie()}; bridgeport_zone=Asia/Karachi`;
    const { html } = await viewer.get(`/backups/${id}`, { cookie });
    for (const [label, at] of [
      ['Asked for', askedAt],
      ['Completed', endedAt ?? ''],
    ] as const) {
      const local = new Date(Date.parse(at) + 300 * 60_000).toISOString();
      const words = `${local.slice(0, 10)} ${local.slice(11, 19)} Asia/Karachi`;
      expect(html).toContain(`<dt>${label}</dt><dd><time datetime="${at}">${words}</time></dd>`);
    }
  });

  it('shows what is in it: the largest 50 tables with their rows, names that need care among them', async () => {
    const tables = Array.from({ length: 51 }, (_, index) => ({
      ...{ schema: 'öffentlich', name: index === 50 ? '<b>"größte" 🐘' : `t${index}.` },
      ...{ rows: 1000 * index, definition: null },
    }));
    const contents = { tables, largeObjects: 7, extensions: ['pg_trgm'], roles: ['<i>Müller'] };
    const id = await completed();
    const set = (values: Partial<BackupRow>) =>
      pages.services.db.updateTable('backups').set(values).where('id', '=', id).execute();
    expect((await viewer.get(`/backups/${id}`)).html).toContain('Not known yet');
    await set({ contents: JSON.stringify(contents) });
    const { html } = await viewer.get(`/backups/${id}`);
    expect(html).toContain('öffentlich.&lt;b&gt;&quot;größte&quot; 🐘</td><td class="figure">50,000</td>');
    expect(html).toContain('&lt;i&gt;Müller');
    expect(html).toContain('The largest 50 of 51 tables.');
    expect(html).not.toContain('öffentlich.t0.');
    await set({ contents: JSON.stringify({ ...contents, tables: [{ ...tables[0], rows: null }] }) });
    const uncounted = (await viewer.get(`/backups/${id}`)).html;
    expect(uncounted).toContain('The rows lie in compressed blocks of the archive');
    expect(uncounted.match(/>not counted yet</g)).toHaveLength(2);
    expect(uncounted).not.toContain('>0<');
  });

  it('says what is proven, where it is and how it came about', async () => {
    const id = await completed();
    const detail = {
      steps: [
        { step: 'connect', afterMs: 0 },
        { step: 'dump', afterMs: 400 },
      ],
    };
    await pages.services.db
      .updateTable('runs')
      .set({ detail: JSON.stringify(detail) })
      .where('id', '=', id)
      .execute();
    const { status, html } = await viewer.get(`/backups/${id}`);
    expect(status).toBe(200);
    expect(html).toContain('badge-success">read back<');
    expect(html).toContain('its end was seen: its last line, “COMMIT;”');
    expect(html).toContain('All 61,089,068 bytes that were sent are in the bucket.');
    expect(html).toContain(`<code id="sha256">${SHA256}</code>`);
    expect(html).toContain('Not read in full yet.');
    expect(html).toMatch(/0\.4 s<\/span><div>connected/);
    expect(html).toContain('sicherung');
    expect(html).toContain('v&quot;1');
    expect(html).not.toContain('<b>');
  });

  it('says beside each step how long it usually takes, and what reading it would take', async () => {
    const { db } = pages.services;
    const [id, other, second] = [await completed(), await completed(), await completed()];
    const run = (of: string, values: object) =>
      db.updateTable('runs').set(values).where('id', '=', of).execute();
    const steps = (afterMs: number) => ({ detail: JSON.stringify({ steps: [{ step: 'dump', afterMs }] }) });
    // Of all others the usual one, and of itself nothing.
    await db.updateTable('runs').set({ detail: null }).execute();
    await db
      .updateTable('backups')
      .set({ status: 'failed' })
      .where('id', 'not in', [id, other, second])
      .execute();
    await run(other, steps(3210));
    await run(second, steps(3210));
    await run(id, steps(9876));
    // What happened once or twice is not usual.
    expect((await admin.get(`/backups/${id}`)).html).not.toContain('usually after');
    await run(await completed(), steps(3210));
    const reading = newId();
    await write(db, (trx) =>
      insertRun(
        trx,
        { id: reading, kind: 'verification', subjectId: other, serverId: null, lane: reading },
        new Date(),
      ),
    );
    const [began, over] = ['2026-03-04T05:00:00.000Z', '2026-03-04T05:00:07.000Z'];
    await run(reading, { state: 'completed', started_at: began, ended_at: over });
    await db
      .updateTable('backups')
      .set({ retained_until: '2031-02-03T04:05:06.000Z' })
      .where('id', '=', id)
      .execute();
    const { html } = await admin.get(`/backups/${id}`);
    // It took four seconds, as whole ones: never less than its steps.
    expect(html).toMatch(/9\.9 s<\/span><div>stored and read back/);
    expect(html).toMatch(/9\.9 s<\/span><div>connected[^<]*\(usually after 3\.2 s\)/);
    expect(html).toMatch(/as it is stored \(usually after 4\.0 s\)/);
    expect(html).toMatch(/Read it in full now<\/button><\/form> About 7 s\./);
    expect(html).toMatch(/Locked until<\/dt><dd><time [^>]*>3 Feb 2031</);
  });

  it('gives the commands that restore this very file, as text to copy', async () => {
    const { html } = await viewer.get(`/backups/${await completed()}`);
    const [, lines = ''] = /<code id="restore-lines">([^<]*)</.exec(html) ?? [];
    const text = lines
      .replace(/&#39;/g, "'")
      .replace(/&quot;/g, '"')
      .replace(/&lt;/g, '<');
    const quoted = `'./-it'\\''s "größe" <b> 🐘-2026-03-04T05-06-07-890Z.sql.zst'`;
    expect(text.replace(/&gt;/g, '>').replace(/&amp;/g, '&').split('\n')).toEqual([
      `# Safer, with its manifest beside it: npx --no bridgeport-restore --into restored.db ${quoted}`,
      'set -o pipefail',
      `echo '${SHA256}  ${quoted.slice(1)} | sha256sum -c &&`,
      'test ! -e restored.db &&',
      `zstd -dc ${quoted} | sqlite3 -safe -bail restored.db`,
    ]);
  });

  it('offers a download with its size, or says why not, with the way to the setting for who may change it', async () => {
    const id = await completed();
    const { environment_id: environmentId } = await pages.services.db
      .selectFrom('databases')
      .select('environment_id')
      .where('id', '=', databaseId)
      .executeTakeFirstOrThrow();
    const link = `<a href="/environments/${environmentId}/settings#downloads">Change that</a>`;
    for (const path of [`/backups/${id}`, `/databases/${databaseId}`]) {
      const { html } = await admin.get(path);
      expect([path, html.includes('Download is off for'), html.includes(link)]).toEqual([path, true, true]);
    }
    expect((await admin.get(`/environments/${environmentId}/settings`)).html).toContain('id="downloads"');
    const seen = (await viewer.get(`/backups/${id}`)).html;
    expect(seen).toContain('Download is off for');
    expect(seen).not.toContain(link);
    await pages.services.db.updateTable('environments').set({ allow_backup_download: 1 }).execute();
    expect((await admin.get(`/backups/${id}`)).html).toContain('No download: storage is not enabled for');
    const object = pages.services.db.updateTable('backup_objects').where('backup_id', '=', id);
    await object.set({ endpoint: 'host:local', bucket: '' }).execute();
    expect((await viewer.get(`/backups/${id}`)).html).toContain(
      `href="/backups/${id}/download">Download 58.3 MiB</a>`,
    );
  });

  it('says where reading it in full found it damaged, and asks for that once', async () => {
    const id = await completed();
    const asked = await admin.post(`/backups/${id}/verify`);
    expect(asked.location).toBe(`/backups/${id}`);
    expect((await admin.post(`/backups/${id}/verify`)).location).toBe(`/backups/${id}`);
    const runs = await pages.services.db
      .selectFrom('runs')
      .select('id')
      .where('kind', '=', 'verification')
      .where('subject_id', '=', id)
      .execute();
    expect(runs).toHaveLength(1);
    expect((await viewer.post(`/backups/${id}/verify`)).status).toBe(403);
    const asking = (await viewer.get(`/backups/${id}`)).html;
    expect(asking).toContain(`hx-get="/backups/${id}/reading"`);
    expect(asking).toContain('It waits for its turn to be read in full.');
    expect(asking).not.toContain('Not read in full yet');
    const fragment = await viewer.get(`/backups/${id}/reading`);
    expect(asking).toContain(fragment.html);
    const run = pages.services.db.updateTable('runs').where('id', '=', runs[0]?.id ?? '');
    await run.set({ state: 'running' }).execute();
    expect((await viewer.get(`/backups/${id}/reading`)).html).toContain('It is being read in full,');
    await run.set({ state: 'completed' }).execute();
    const over = (await viewer.get(`/backups/${id}/reading`)).headers;
    expect([over.get('hx-trigger'), over.get('hx-refresh')]).toEqual(['backups-changed', null]);
    expect((await viewer.get(`/backups/${id}`)).html).toContain('It could not be read in full: nothing');
    expect((await viewer.get('/backups/nope/reading')).status).toBe(404);
    await pages.services.db
      .updateTable('backups')
      .set({ verification: 'failed', verification_error: 'Größe <i>stimmt</i> nicht' })
      .where('id', '=', id)
      .execute();
    // Of one that was condemned, how this very reading ended: cancelled, then damaged.
    for (const [end, words] of [
      [{ state: 'cancelled', error: null }, 'It could not be read in full: nothing'],
      [
        { state: 'failed', error: '{"message":"m","code":"storage_unreachable"}' },
        'It could not be read in full: nothing',
      ],
      [
        { state: 'failed', error: '{"message":"m","code":"storage_mismatch"}' },
        'It was read in full and is damaged',
      ],
    ] as const) {
      await run.set({ ...end, ended_at: new Date().toISOString() }).execute();
      await viewer.get(`/backups/${id}/reading`);
      expect((await viewer.get(`/backups/${id}`)).html).toContain(words);
    }
    const { html } = await admin.get(`/backups/${id}`);
    expect(html).toContain('Größe &lt;i&gt;stimmt&lt;/i&gt; nicht');
    expect(html).toContain('badge-error">not readable<');
    // What was so when it was made is not told as if it were so still.
    expect(html).not.toContain('that were sent are in the bucket');
    expect(html).toContain('When it was made, all 61,089,068 bytes that were sent were in the bucket.');
    // What there is instead, and the restore of it no longer the first thing to do.
    expect(html).toContain('What went wrong');
    expect(html).toMatch(/<a class="button outline" href="[^"]*\/restore">Restore…</);
    expect(html).toMatch(/>Back up now<[\s\S]*>Read it in full again</);
    const seen = (await viewer.get(`/backups/${id}`)).html;
    expect([seen.includes('What went wrong'), seen.includes('>Back up now<')]).toEqual([true, false]);
  });

  it('is deleted after one question, which names what it takes along', async () => {
    const id = await completed();
    const question = await admin.get(`/backups/${id}?delete`);
    expect(question.html).toContain('<dialog id="question" open');
    expect(question.html).toContain('58.3 MiB, and its stored file are deleted for good.');
    const noneLeft = 'has no good backup at all.';
    expect(question.html).not.toContain(noneLeft);
    const others = pages.services.db
      .updateTable('backups')
      .where('database_id', '=', databaseId)
      .where('id', '!=', id)
      .where('status', '=', 'completed')
      .where('deleted_at', 'is', null);
    const at = new Date().toISOString();
    await others.set({ deleted_at: at }).execute();
    expect((await admin.get(`/backups/${id}?delete`)).html).toContain(noneLeft);
    expect((await admin.get(`/backups/${id}`)).html).not.toContain(noneLeft);
    expect((await viewer.get(`/backups/${id}?delete`)).html).not.toContain(' open');
    await admin.post(`/backups/${id}/delete`);
    expect((await admin.get(`/backups/${id}`)).status).toBe(404);
    expect((await admin.get(`/backups/${id}/run`)).status).toBe(404);
  });
});

describe('the page of a backup that is not good', () => {
  it('says what went wrong, what to do and where, what was printed, and what there is instead', async () => {
    const error = {
      ...{ message: 'FATAL: <b>role</b>', step: 'dump', code: 'dump_refused', exitCode: 1 },
      stderr: 'pg_dump: <i>nein</i> 🐘',
    };
    const good = await completed();
    const id = await backup({ status: 'failed', outcome: 'failed', error: JSON.stringify(error) });
    const { html } = await admin.get(`/backups/${id}`);
    expect(html).toContain('badge-error">failed at dump<');
    expect(html).toContain('FATAL: &lt;b&gt;role&lt;/b&gt;');
    expect(html).toContain(`href="/databases/${databaseId}/edit#field-filePath">Open that field</a>`);
    expect(html).toContain('pg_dump: &lt;i&gt;nein&lt;/i&gt; 🐘');
    expect(html).toContain(`Last good: <a href="/backups/${good}">`);
    expect(html).toContain('>Retry<');
    const seen = (await viewer.get(`/backups/${id}`)).html;
    for (const text of ['>Retry<', '/edit#', 'What is proven']) expect(seen).not.toContain(text);
  });

  it('says of an uncertain one what is asked, and when next', async () => {
    const error = { message: 'The storage has not said yet.', step: 'upload', code: 'storage_uncertain' };
    const id = await backup({ status: 'failed', outcome: 'uncertain', error: JSON.stringify(error) }, 5);
    const at = new Date(Date.now() + 3 * 60_000 + 30_000).toISOString();
    await pages.services.db.updateTable('runs').set({ lease_until: at }).where('id', '=', id).execute();
    const { html } = await admin.get(`/backups/${id}`);
    expect(html).toContain('What is not known');
    expect(html).toMatch(/Next try: <time [^>]*>in 3 min</);
    expect(html).not.toContain('Check that:');
    expect(html).not.toContain('>Retry<');
  });

  it('bears an error that no version of ours has written', async () => {
    for (const text of [
      '{}',
      '[]',
      '"x"',
      '{"message":"m","step":"dig","code":7,"stderr":{},"exitCode":"1"}',
    ]) {
      const id = await backup({ status: 'failed', outcome: 'failed', error: text });
      expect([text, (await admin.get(`/backups/${id}`)).status]).toEqual([text, 200]);
      expect([text, (await admin.get(`/databases/${databaseId}`)).status]).toEqual([text, 200]);
    }
  });

  it('asks for itself while it waits, and is loaded anew when it has ended', async () => {
    const id = await backup({ status: 'pending', outcome: null });
    const { html } = await admin.get(`/backups/${id}`);
    expect(html).toContain(`hx-get="/backups/${id}/run"`);
    expect(html).toContain('hx-trigger="every 1s"');
    expect((await viewer.get(`/backups/${id}`)).html).not.toContain('/cancel');
    expect((await admin.get(`/backups/${id}/run`)).headers.get('hx-trigger')).toBeNull();
    await admin.post(`/backups/${id}/cancel`);
    expect((await admin.get(`/backups/${id}/run`)).headers.get('hx-trigger')).toBe('backups-changed');
    const { html: ended } = await admin.get(`/backups/${id}`);
    expect(ended).toContain('badge-neutral">cancelled<');
    expect(ended).toMatch(
      /id="flash"><div class="notice notice-info" role="status">The backup was cancelled;/,
    );
    const done = await completed();
    const { db } = pages.services;
    await db.updateTable('backups').set({ bytes_read: 120_000_000 }).where('id', '=', done).execute();
    await admin.get(`/backups/${done}/run`);
    const page = (await admin.get(`/backups/${done}`)).html;
    expect(page).toContain('Backed up and read back: 58.3 MiB (114 MiB before compression).');
  });

  it('that is gone has its open page loaded anew, which says so, and no other failed answer does that', async () => {
    const gone = await admin.get('/backups/nothing/run', { 'hx-request': 'true' });
    expect([gone.status, gone.headers.get('hx-refresh'), gone.html]).toEqual([404, 'true', '']);
    const page = await admin.get('/backups/nothing');
    expect([page.status, page.headers.get('hx-refresh')]).toEqual([404, null]);
  });
});
