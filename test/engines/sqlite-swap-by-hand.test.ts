import { spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { sqlite } from '../../src/engines/sqlite/sqlite.ts';

const folder = mkdtempSync(join(tmpdir(), "sw'ap ü <script> $x "));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [live, restored, kept] = [
  join(folder, 'it\'s "live".db'),
  join(folder, '-new 🐘.db'),
  join(folder, 'kept.db'),
];
const swap = sqlite.swapByHand?.({ live, restored, kept });
const run = (script = 'exit 9') => spawnSync('sh', ['-c', script], { encoding: 'utf8', cwd: '/' });
const put = (files: Readonly<Record<string, string>>) => {
  for (const [file, text] of Object.entries(files)) writeFileSync(file, text);
};
const found = () =>
  Object.fromEntries(
    readdirSync(folder).map((name) => [join(folder, name), readFileSync(join(folder, name), 'utf8')]),
  );

beforeEach(() => {
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
  put({ [live]: 'old', [`${live}-wal`]: 'newest', [`${live}-shm`]: '', [restored]: 'new' });
});

it('moves a file away with all that lies beside it, and gives the restored one its name', () => {
  expect(run(swap?.statements)).toMatchObject({ status: 0, stderr: '', stdout: '' });
  expect(found()).toEqual({ [live]: 'new', [kept]: 'old', [`${kept}-wal`]: 'newest', [`${kept}-shm`]: '' });
});

it.each([
  ['there already', () => put({ [`${kept}-wal`]: 'another' })],
  ['open, or not closed rightly', () => put({ [`${restored}-wal`]: 'rows' })],
  ['no file, or a link', () => rmSync(restored)],
  [
    'no file, or a link',
    () => {
      rmSync(restored);
      symlinkSync(live, restored);
    },
  ],
])('replaces nothing where something is %s', (why, change) => {
  change();
  const before = found();
  const { status, stderr } = run(swap?.statements);
  expect([status, stderr]).toEqual([1, expect.stringContaining(why)]);
  expect(found()).toEqual(before);
});

it('names the processes that have it open', () => {
  expect(run(swap?.check).stdout).toBe('');
  const open = openSync(live, 'r');
  expect(run(swap?.check).stdout).toBe(`/proc/${process.pid}/fd/${open}\n`);
  closeSync(open);
});
