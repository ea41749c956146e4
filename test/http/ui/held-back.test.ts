import { afterAll, beforeAll, expect, it } from 'vitest';
import { write } from '../../../src/db/write.ts';
import { createEnvironment } from '../../../src/environments/environments.ts';
import { newId } from '../../../src/ids.ts';
import { newRule } from '../../../src/schedules/fields.ts';
import { createRule } from '../../../src/schedules/rules.ts';
import { openPages, type Pages, type Visitor } from './pages.ts';

const NOBODY = { userId: null, address: null };
const ENVIRONMENT = `stägïng "<b>" 🐘`;
const SAID = 'storage is off for stägïng &quot;&lt;b&gt;&quot; 🐘';
const ACCESS = `<a href="/admin/storage#environment-access">${SAID}</a>`;

let pages: Pages;
let admin: Visitor;
let viewer: Visitor;
let environmentId: string;

beforeAll(async () => {
  pages = await openPages();
  [admin, viewer] = [await pages.signedIn('admin'), await pages.signedIn('viewer')];
  ({ id: environmentId } = await createEnvironment(pages.services, NOBODY, { name: ENVIRONMENT }));
  await addDatabase('off', { backup_storage_type: 'spaces', backup_spaces_bucket: 'b' });
  await addDatabase('local', { backup_storage_type: 'local' });
  const rule = { name: 'nightly', cronExpression: '0 2 * * *' };
  await createRule(pages.services, NOBODY, newRule.parse(rule));
});
afterAll(() => pages.close());

async function addDatabase(id: string, more: Readonly<Record<string, string>>): Promise<void> {
  const at = new Date().toISOString();
  const row = { id, environment_id: environmentId, name: `db ${id}`, type: 'sqlite', ...more };
  await pages.services.db
    .insertInto('databases')
    .values({ ...row, created_at: at, updated_at: at } as never)
    .execute();
}

const html = async (visitor: Visitor, path: string) => (await visitor.get(path)).html;
const part = (page: string, from: string, to: string) =>
  page.slice(page.indexOf(from), page.indexOf(to, page.indexOf(from)));
const rowOf = (list: string, id: string) =>
  list.split('<tr').find((row) => row.includes(`<a href="/databases/${id}">`)) ?? '';

it('what can’t be stored is not named as a next run, and says why, with the way to change it for who may', async () => {
  const list = await html(admin, '/databases');
  expect(rowOf(list, 'off')).toContain(
    '<td class="next-run"><a href="/admin/storage#environment-access">storage is off</a>',
  );
  expect(rowOf(list, 'local')).toContain('02:00');
  expect(rowOf(await html(viewer, '/databases'), 'off')).toContain(
    '<td class="next-run">storage is off</td>',
  );

  const next = part(await html(admin, '/'), '<h2>Next runs</h2>', '</ul>');
  expect(next).toContain(`will not run: ${ACCESS}`);
  expect(next.match(/will not run/g)).toHaveLength(1);

  const page = await html(admin, '/databases/off');
  expect(page).toContain(`<strong class="tile-figure">will not run</strong><span class="tile-note">${SAID}`);
  expect(page).toContain(`every day</a>, but ${ACCESS}`);
  const local = await html(admin, '/databases/local');
  expect(local).not.toContain('storage is off');

  const schedule = await html(admin, '/databases/off/schedule');
  expect(schedule).toContain(`Nothing begins by itself: ${ACCESS}.`);
  expect(schedule).toContain('Next times, at which nothing is stored');
  expect(await html(viewer, '/databases/off/schedule')).toContain(`Nothing begins by itself: ${SAID}.`);

  const schedules = await html(admin, '/schedules');
  expect(schedules).toMatch(
    /Storage is off for stägïng [^:]*: <a href="\/databases\?storage=off">One database</,
  );
  expect(schedules).toContain('will not run: storage is off');
  // Of the other one alone.
  expect(schedules).toMatch(/[67] runs begin in these seven days, at most 1 in one hour/);
});

it('without a bucket it is said to fail, and with one in a storage that is on it has its time', async () => {
  const { db } = pages.services;
  const at = new Date().toISOString();
  const keys = { access_key: 'a', secret_key: 's', region: 'r', endpoint: 'https://s.example' };
  await write(db, async (trx) => {
    await trx
      .insertInto('spaces_config')
      .values({ id: 'x', ...keys, created_at: at, updated_at: at } as never)
      .execute();
    const access = { spaces_config_id: 'x', environment_id: environmentId, enabled: 1 } as const;
    await trx
      .insertInto('spaces_environments')
      .values({ id: newId(), ...access })
      .execute();
  });
  expect(rowOf(await html(admin, '/databases'), 'off')).toContain('02:00');
  expect(await html(admin, '/databases/off/schedule')).not.toContain('storage is off');
  await db.updateTable('databases').set({ backup_spaces_bucket: null }).where('id', '=', 'off').execute();
  const edit = '<a href="/databases/off/edit#field-backupSpacesBucket">no bucket is chosen</a>';
  expect(rowOf(await html(admin, '/databases'), 'off')).toContain(edit);
  expect(await html(admin, '/')).toContain(`will fail: ${edit}`);
  expect(await html(admin, '/databases/off/schedule')).toContain(`What begins by itself fails: ${edit}.`);
  expect(await html(admin, '/databases/off/edit')).toContain('id="field-backupSpacesBucket"');
});
