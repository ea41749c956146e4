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
        sent.push(script);
        notedThen = (await noted()).dropBegun;
        if (answer !== null) throw answer;
        yield new Uint8Array(0);
      },
    }),
  };
  const told = { host, address: null, checkPath: async () => {}, pinnedFingerprint: () => null };
  const open: Services['servers']['open'] = async () => told;
  services = { ...app.services, servers: { ...app.services.servers, open } };
});
afterAll(() => app.close());

const noted = async () => loadOptionsOf(await loadRestore(services.db, ID));
async function drop(end: AppError | null) {
  [answer, sent] = [end, []];
  const actor = { userId: null, address: null, role: 'admin' } as const;
  const input = { confirm: KEPT, username: 'ü', password: 'pass word' };
  return dropKept(services, actor as never, ID, input, AbortSignal.timeout(10_000)).catch(
    (error: Error) => error.message,
  );
}
/** What is missing was dropped by the one that was begun; where the server is known, it has to be that one. */
const MISSING = '*gone)\n  exit 0';

it('is begun before it is sent, and no more once it was found and refused', async () => {
  expect(await drop(refused('it was used since'))).toContain('somebody has written into database');
  expect([notedThen, (await noted()).dropBegun]).toEqual([true, undefined]);
  expect(sent[0]).not.toContain(MISSING);

  expect(await drop(new AppError('host_dropped', 'The connection broke.'))).toBe('The connection broke.');
  expect(await noted()).toEqual({ kept: '- 3', dropBegun: true });
  // Nobody knows whether it was dropped, and this says nothing of it.
  expect(await drop(new AppError('dump_refused', 'No.'))).toBe('No.');
  expect(await noted()).toEqual({ kept: '- 3', dropBegun: true });
  expect(sent[0]).toContain(MISSING);
  // In another place than it was begun in it may be gone nonetheless.
  await drop(refused('another server'));
  expect(await noted()).toEqual({ kept: '- 3', dropBegun: true });
  // It is there after all.
  await drop(refused('it was used since'));
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
  expect(audited.map(({ success }) => success)).toEqual([0, 0, 0, 0, 0, 1]);
});
