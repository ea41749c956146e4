import { afterAll, beforeAll, expect, it } from 'vitest';
import { AppError } from '../../src/errors.ts';
import { dropKept } from '../../src/restores/drop-kept.ts';
import { loadOptionsOf } from '../../src/restores/load-options.ts';
import { loadRestore } from '../../src/restores/restores.ts';
import type { Services } from '../../src/services-port.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import { insertBackup } from '../support/backup-row.ts';
import { restoreRow } from '../support/restore-row.ts';

/** What is written down of a drop, by how it ends: the host is one that is told what to answer. */

const ID = 'kept <b>';
const KEPT = `shop ü"😀'_before`;
const refused = (words: string) =>
  new AppError('host_command', words, { details: { exitCode: 65, stderr: `bridgeport: ${words}\n` } });
let app: TestApp;
let services: Services;
let answer: AppError | null;
/** What the look before it tells of where it is. */
let told: string;
let sent: string[] = [];
/** As it was when the command ran. */
let notedThen: unknown;

beforeAll(async () => {
  app = await openTestApp();
  const { db } = app.services;
  const at = new Date();
  const whole = { status: 'completed', outcome: 'completed', format: 'plain' } as const;
  const { id, database_id } = await insertBackup(db, at, whole);
  await db
    .insertInto('restores')
    .values(
      restoreRow({
        ...{ id: ID, backup_id: id, database_id, safety_backup_id: id, state: 'done', in_place: 1 },
        ...{ kept_name: KEPT, kept_state: 'kept', replaced_id: '17' },
        ...{ load_options: JSON.stringify({ kept: '- 3' }) },
      }),
    )
    .execute();
  const host = {
    ...{ label: 'told', isLocal: true, close: async () => {} },
    run: ({ script }: { readonly script: string }) => ({
      stderr: () => '',
      async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
        if (isLook(script)) {
          yield new TextEncoder().encode(told);
          return;
        }
        sent.push(script);
        notedThen = (await noted()).dropBegun;
        if (answer !== null) throw answer;
        yield new Uint8Array(0);
      },
    }),
  };
  const opened = { host, address: null, checkPath: async () => {}, pinnedFingerprint: () => null };
  const open: Services['servers']['open'] = async () => opened;
  services = { ...app.services, servers: { ...app.services.servers, open } };
});
afterAll(() => app.close());

const noted = async () => loadOptionsOf(await loadRestore(services.db, ID));
const isLook = (script: string) => script.includes('bridgeport:server=');
async function drop(end: AppError | null, look = HERE, more = {}) {
  [answer, told, sent] = [end, look, []];
  const actor = { userId: null, address: null, role: 'admin' } as const;
  const input = { confirm: KEPT, username: 'ü', password: 'pass word', ...more };
  return dropKept(services, actor as never, ID, input, AbortSignal.timeout(10_000)).catch(
    (error: Error) => error.message,
  );
}
const THERE = `- 20260228235959999999 20260101000000000001`;
const HERE = `bridgeport:server=${THERE}\n`;
/** What is missing was dropped by the one that was begun, on the very server where it was then. */
const MISSING = '"20260228235959999999 "*';

it('is begun before it is sent, and no more once it was found and refused', async () => {
  expect(await drop(refused('it was used since'))).toContain('somebody has written into database');
  expect([notedThen, (await noted()).dropBegun]).toEqual([THERE, undefined]);
  expect(sent[0]).not.toContain(MISSING);

  expect(await drop(new AppError('host_dropped', 'The connection broke.'))).toBe('The connection broke.');
  const begun = { kept: '- 3', dropBegun: THERE };
  expect(await noted()).toEqual(begun);
  // Nobody knows whether it was dropped, and this says nothing of it.
  expect(await drop(new AppError('dump_refused', 'No.'), '')).toBe('No.');
  expect(await noted()).toEqual(begun);
  expect(sent[0]).toContain(MISSING);
  // In another place than it was begun in it may be gone nonetheless.
  await drop(refused('another server'), '');
  expect(await noted()).toEqual(begun);
  // It is there after all.
  await drop(refused('it was used since'));
  expect(await noted()).toEqual({ kept: '- 3' });
});

it('that breaks off where it was not seen to be there says nothing of where it was', async () => {
  await drop(new AppError('host_dropped', 'The connection broke.'), '');
  expect(await noted()).toEqual({ kept: '- 3', dropBegun: true });
  await drop(refused('it is no longer there'), '');
  expect(await noted()).toEqual({ kept: '- 3', dropBegun: true });
  expect(sent[0]).toMatch(/\*gone\)\s+:\s+fail 'it is no longer there'/);
  await drop(refused('the kept one is the only copy'), '');
  expect(await noted()).toEqual({ kept: '- 3' });
});

it('asks whether it is the only copy where it is there alone, and is settled where it is not', async () => {
  const { db } = services;
  const ofBackup = db.updateTable('backups').where('id', '=', (await loadRestore(db, ID)).backup_id);
  const asked = "refuse 'the kept one is the only copy'";
  await drop(refused('it was used since'));
  expect(sent[0]).not.toContain(asked);
  await ofBackup.set({ verification: 'failed' }).execute();
  expect(await drop(refused('the kept one is the only copy'))).toMatch(
    /^It was not dropped: database .* is the only copy of what was there before/,
  );
  expect(sent[0]).toContain(asked);
  await drop(refused('it was used since'), HERE, { isOnlyCopy: true });
  expect(sent[0]).not.toContain(asked);
  await ofBackup.set({ verification: 'stored' }).execute();
  expect(await noted()).toEqual({ kept: '- 3' });
});

it('is over for good once it ended well', async () => {
  expect(await drop(null)).toBe('dropped');
  expect(await loadRestore(services.db, ID)).toMatchObject({
    ...{ kept_state: 'dropped', kept_dropped_at: expect.any(String) },
  });
  expect(await drop(null)).toContain('was dropped already');
  expect(sent).toEqual([]);
  const audited = await services.db
    .selectFrom('audit_logs')
    .select(['success', 'details'])
    .where('action', '=', 'restore.drop_kept')
    .execute();
  expect(audited.map(({ success }) => success)).toEqual([...Array(11).fill(0), 1]);
});
