import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { RestoreRow } from '../../src/db/schema.ts';
import { AppError } from '../../src/errors.ts';
import type { Host } from '../../src/hosts/host.ts';
import { cleanUpRestore } from '../../src/restores/clean-up.ts';
import { loadOptionsText } from '../../src/restores/load-options.ts';
import { loadRestore, whatExists } from '../../src/restores/restores.ts';
import type { Services } from '../../src/services-port.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import { insertBackup } from '../support/backup-row.ts';
import { restoreRow } from '../support/restore-row.ts';

/** What cleaning up takes for whole and what for gone: the host is one that is told what to answer. */

type Command = 'look' | 'finish' | 'removal';
const NAME = `shop ü"' <script>`;
const UNMARKED = new AppError('host_command', 'It failed.', {
  details: { exitCode: 78, stderr: 'bridgeport: there and not marked\n' },
});

let app: TestApp;
let services: Services;
let said: (readonly [Command, idleTimeoutMs: number | undefined])[] = [];
let answer: (command: Command) => string | AppError;
let backup: { readonly backup_id: string; readonly database_id: string };
let count = 0;

beforeAll(async () => {
  app = await openTestApp();
  const { id, database_id } = await insertBackup(app.services.db, new Date(), {
    ...{ status: 'completed', outcome: 'completed', format: 'plain' },
  });
  backup = { backup_id: id, database_id };
  const told = {
    ...{ host: toldHost(), address: null, checkPath: async () => {}, pinnedFingerprint: () => null },
  };
  const open: Services['servers']['open'] = async () => told;
  services = { ...app.services, servers: { ...app.services.servers, open } };
});
afterAll(() => app.close());
beforeEach(() => {
  said = [];
});

function toldHost(): Host {
  return {
    ...{ label: 'told', isLocal: true, close: async () => {} },
    run: ({ script }, { idleTimeoutMs }) => {
      const is = (word: string) => script.includes(word);
      const command = is('echo bridgeport:named') ? 'look' : is('ANALYZE') ? 'finish' : 'removal';
      said.push([command, idleTimeoutMs]);
      return { stderr: () => '', [Symbol.asyncIterator]: () => printed(answer(command)) };
    },
  };
}

async function* printed(text: string | AppError): AsyncGenerator<Uint8Array> {
  if (text instanceof AppError) throw text;
  yield new TextEncoder().encode(text);
}

const NAMED = (command: Command) => (command === 'look' ? 'bridgeport:named\n' : UNMARKED);
const table = (rows: number) => ({ schema: null, name: 'orders', expected: 2, rows });

/** As after the last of many tries. */
async function left(change: Partial<RestoreRow> = {}): Promise<string> {
  count += 1;
  const row = restoreRow({
    ...{ id: `named ${count} <b>`, ...backup, engine: 'mysql', new_name: `${NAME} ${count}` },
    ...{ token: `t${count}`, state: 'left', counts: JSON.stringify([table(2)]) },
    ...{ ended_at: '2026-01-01T02:00:00.000Z', ...change },
  });
  await services.db.insertInto('restores').values(row).execute();
  return row.id;
}

const WHOLE = { load_options: loadOptionsText({ foundWhole: true }) };
const admin = { userId: null, address: null, role: 'admin' } as const;
const cleanUp = async (id: string, input = {}) => {
  const { new_name: confirm } = await loadRestore(services.db, id);
  return cleanUpRestore(services, admin, id, { confirm, ...input }, new AbortController().signal);
};
const stateOf = async (id: string) => (await loadRestore(services.db, id)).state;

it('a restore whose rows differed is never done, whatever has its name', async () => {
  answer = NAMED;
  const id = await left({ counts: JSON.stringify([table(1)]) });
  await expect(cleanUp(id)).rejects.toMatchObject({ code: 'conflict', details: { field: 'mayBeGone' } });
  await expect(cleanUp(id, { isThatOne: true })).rejects.toMatchObject({ code: 'conflict' });
  expect([await stateOf(id), said.map(([command]) => command)]).toEqual(['left', ['removal', 'removal']]);
});

it('one that was found whole and has its name is done, however long its server says nothing meanwhile', async () => {
  answer = (command) => (command === 'look' ? 'bridgeport:named\n' : '');
  const id = await left(WHOLE);
  expect(await cleanUp(id)).toEqual({ state: 'done', saidGone: false });
  expect(said).toEqual([
    ['look', 60_000],
    ['finish', undefined],
  ]);
});

it.each([
  ['done', '2026-01-01T01:00:00.000Z', 'left'],
  ['done', '2025-12-31T23:00:00.000Z', 'done'],
  ['finishing', null, 'left'],
  ['removed', '2026-01-01T01:00:00.000Z', 'done'],
] as const)(
  'where another one that is %s since %s has the name, it is %s',
  async (state, ended_at, comes) => {
    answer = NAMED;
    if (comes === 'done') answer = (command) => (command === 'look' ? 'bridgeport:named\n' : '');
    const id = await left(WHOLE);
    const { new_name } = await loadRestore(services.db, id);
    const other = restoreRow({ id: `other ${count}`, ...backup, engine: 'mysql', new_name, state, ended_at });
    await services.db.insertInto('restores').values(other).execute();
    await cleanUp(id).catch(() => {});
    expect(await stateOf(id)).toBe(comes);
  },
);

it.each<[string, Partial<RestoreRow>]>([
  ['beside', {}],
  ['in place', { in_place: 1, kept_name: `${NAME}_before`, replaced_id: '17' }],
  ['live', { in_place: 1, kept_name: null, replaced_id: '[["public","a",1]]' }],
])('what somebody says is gone counts as that, and nobody says how things are (%s)', async (what, change) => {
  const stderr = `bridgeport: ${what === 'live' ? 'another database' : 'made on another server'}\n`;
  answer = () => new AppError('host_command', 'It failed.', { details: { exitCode: 69, stderr } });
  const live = what === 'live' ? ({ live: true, madeIn: '1 17' } as const) : { madeIn: '1' };
  const id = await left({ engine: 'postgres', load_options: loadOptionsText(live), ...change });
  await expect(cleanUp(id)).rejects.toMatchObject({ details: { field: 'mayBeGone' } });
  expect(await cleanUp(id, { mayBeGone: true })).toEqual({ state: 'removed', saidGone: true });
  const exists = whatExists(await loadRestore(services.db, id));
  expect(exists).toContain('Somebody said that nothing of this restore is there; nobody could look.');
  expect(exists).not.toMatch(/as it was|was removed|taken back/);
  expect(exists.includes(`“${NAME}_before” may be what was there before`)).toBe(what === 'in place');
});
