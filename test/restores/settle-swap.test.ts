import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { RestoreRow } from '../../src/db/schema.ts';
import { AppError } from '../../src/errors.ts';
import type { Host } from '../../src/hosts/host.ts';
import { cleanUpRestore } from '../../src/restores/clean-up.ts';
import { loadOptionsOf } from '../../src/restores/load-options.ts';
import { createRestoreKind } from '../../src/restores/node/restore-kind.ts';
import { loadRestore } from '../../src/restores/restores.ts';
import { SEALED } from '../../src/secrets/sealed.ts';
import type { Services } from '../../src/services-port.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import { asWritten } from '../support/as-written.ts';
import { insertBackup } from '../support/backup-row.ts';
import { restoreRow } from '../support/restore-row.ts';

/** What is settled of a swap, and in which order it is asked, swapped and removed: the host is one that is told what to answer. */

type Command = 'look' | 'swap' | 'removal';
const NAME = `shop ü"😀' <script>`;
const DROPPED = new AppError('host_dropped', 'The connection broke.');

let app: TestApp;
let services: Services;
let said: [Command, AbortSignal][] = [];
/** The output of each, or how it fails. */
let answer: (command: Command) => string | AppError;
let backupId: string;
let databaseId: string;
let count = 0;

beforeAll(async () => {
  app = await openTestApp();
  ({ id: backupId, database_id: databaseId } = await insertBackup(app.services.db, new Date(), {
    ...{ status: 'completed', outcome: 'completed', format: 'plain' },
  }));
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

const SWAPPED_NOW = 'bridgeport:swap=after\nbridgeport:told=17 4\n';
const keptOf = async (id: string) => loadOptionsOf(await loadRestore(services.db, id)).kept;
const commands = () => said.map(([command]) => command);

function toldHost(): Host {
  return {
    label: 'told',
    isLocal: true,
    close: async () => {},
    run: ({ script }, { signal }) => {
      const command = script.includes('bridgeport:swap=')
        ? 'look'
        : script.includes('swap_names')
          ? 'swap'
          : 'removal';
      said.push([command, signal]);
      return { stderr: () => '', [Symbol.asyncIterator]: () => printed(answer(command)) };
    },
  };
}

async function* printed(text: string | AppError): AsyncGenerator<Uint8Array> {
  if (text instanceof AppError) throw text;
  yield new TextEncoder().encode(text);
}

async function swapping(change: Partial<RestoreRow> = {}, isCancelled = false): Promise<string> {
  const { db, vault } = services;
  count += 1;
  const id = `swap ${count} <b>`;
  const login = JSON.stringify({ username: 'ü', password: 'pass word' });
  await db
    .insertInto('restores')
    .values(
      restoreRow({
        ...{ id, backup_id: backupId, database_id: databaseId, new_name: NAME, token: `t${count}` },
        ...{ state: 'finishing', in_place: 1, kept_name: `${NAME}_before`, replaced_id: '17' },
        ...{ credentials: await vault.seal(login, SEALED.restoreCredentials.identity(id)) },
        ...{ load_options: JSON.stringify({ swapAt: new Date().toISOString() }) },
        ...change,
      }),
    )
    .execute();
  const like = await db.selectFrom('runs').selectAll().where('id', '=', backupId).executeTakeFirstOrThrow();
  const at = new Date().toISOString();
  await db
    .insertInto('runs')
    .values({
      ...like,
      ...{
        id,
        kind: 'restore',
        lane: id,
        state: 'running',
        claimed_by: 'me',
        lease_until: at,
        ended_at: null,
      },
      cancel_requested_at: isCancelled ? at : null,
    })
    .execute();
  return id;
}

async function repaired(id: string) {
  const { db, openPlace } = app.services;
  const find = () => db.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  const { signal } = new AbortController();
  const claim = { runId: id, claimedBy: 'me' };
  await createRestoreKind({ ...services, openPlace }).repair(await find(), { claim, signal });
  const { state, kept_state: kept } = await loadRestore(db, id);
  return { run: (await find()).state, state, kept, signal };
}

it.each([false, true])(
  'what was swapped is done, and nothing of it is done again (cancelled: %s)',
  async (isCancelled) => {
    answer = () => SWAPPED_NOW;
    const id = await swapping({}, isCancelled);
    expect(await repaired(id)).toMatchObject({ run: 'completed', state: 'done', kept: 'kept' });
    expect(commands()).toEqual(['look']);
    // Somebody may have gone on with it by now: what is written in it says nothing of what was.
    expect(await keptOf(id)).toBe('17 -');
  },
);

it('a swap takes as long as it takes, and the time of the removal is counted behind it', async () => {
  answer = (command) => (command === 'swap' ? DROPPED : 'bridgeport:swap=before\n');
  const { signal, ...settled } = await repaired(await swapping());
  expect(settled).toMatchObject({ run: 'failed', state: 'removed', kept: null });
  expect(commands()).toEqual(['look', 'swap', 'removal']);
  expect(said[1]?.[1]).toBe(signal);
  expect(said[2]?.[1]).not.toBe(signal);
});

it('a rename of long ago is given back, and never done by itself', async () => {
  answer = () => 'bridgeport:swap=before\n';
  const adopts = { restoreId: 'another', name: 'beside <b>', id: '4711' };
  const id = await swapping({ load_options: JSON.stringify({ adopts }) });
  expect(await repaired(id)).toMatchObject({ run: 'interrupted', state: 'removed', kept: null });
  expect(commands()).toEqual(['look', 'removal']);
});

it.each([
  [50, 'completed', 'done', ['look', 'swap', 'look']],
  [70, 'failed', 'removed', ['look', 'removal']],
  // By a version that did not write that down.
  [null, 'failed', 'removed', ['look', 'removal']],
])('a swap that was begun %s minutes ago is %s', async (minutes, run, state, asked) => {
  answer = (command) => {
    if (command === 'swap') return 'bridgeport:swapped\n';
    return commands().includes('swap') ? SWAPPED_NOW : 'bridgeport:swap=before\n';
  };
  const swapAt = minutes === null ? undefined : new Date(Date.now() - minutes * 60_000).toISOString();
  const id = await swapping({ load_options: JSON.stringify({ swapAt }) });
  expect(await repaired(id)).toMatchObject({ run, state });
  expect(commands()).toEqual(asked);
  expect(await keptOf(id)).toBe(state === 'done' ? '17 4' : undefined);
});

it('a swap that turns out to be done already tells nothing of what was written into what is kept', async () => {
  answer = (command) => {
    if (command === 'swap') return '';
    return commands().includes('swap') ? SWAPPED_NOW : DROPPED;
  };
  const id = await swapping();
  expect(await repaired(id)).toMatchObject({ run: 'completed', state: 'done' });
  expect([commands(), await keptOf(id)]).toEqual([['look', 'swap', 'look'], '17 -']);
});

it('what turns out to be swapped behind a removal that is refused is done', async () => {
  answer = (command) => {
    if (command !== 'look') return DROPPED;
    return commands().includes('removal') ? 'bridgeport:swap=after\n' : 'bridgeport:swap=before\n';
  };
  expect(await repaired(await swapping())).toMatchObject({ run: 'completed', state: 'done', kept: 'kept' });
  expect(commands()).toEqual(['look', 'swap', 'removal', 'look']);
});

const admin = { userId: null, address: null, role: 'admin' } as const;
const cleanUp = (id: string, confirm = NAME) => {
  const input = { username: 'ü', password: 'pass word', confirm };
  return cleanUpRestore(services, admin, id, input, new AbortController().signal);
};
const audited = () =>
  services.db
    .selectFrom('audit_logs')
    .select(['success', 'details'])
    .where('action', '=', 'restore.clean_up')
    .orderBy(asWritten(services.db))
    .execute();

it('one that was left and had been swapped is done once somebody cleans up, and what it replaced is kept', async () => {
  answer = (command) => (command === 'look' ? 'bridgeport:swap=before\n' : DROPPED);
  const left = { state: 'left', removal_error: 'away' } as const;
  const id = await swapping(left);
  await expect(cleanUp(id, `${NAME}_before`)).rejects.toMatchObject({
    ...{ code: 'invalid', details: { field: 'confirm' } },
    message: expect.stringContaining(`To clean up, confirm by its name: ${NAME}.`),
  });
  expect(commands()).toEqual([]);
  await expect(cleanUp(id)).rejects.toThrow('It is still there. The connection broke.');
  expect(await loadRestore(services.db, id)).toMatchObject({ state: 'left', kept_state: null });

  answer = (command) => (command === 'look' ? 'bridgeport:swap=after\n' : DROPPED);
  await cleanUp(id);
  expect(await loadRestore(services.db, id)).toMatchObject({
    ...{ state: 'done', kept_state: 'kept', removal_error: null, credentials: null },
  });
  expect((await audited()).map(({ success }) => success)).toEqual([0, 1]);
  await expect(cleanUp(id)).rejects.toThrow('the restore is done');
});
