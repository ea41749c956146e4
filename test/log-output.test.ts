import { execFile } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLog } from '../src/log.ts';
import { logOutput } from '../src/node/log-output.ts';
import { createDiskShim } from './support/disk-shim.ts';
import { type MainProcess, mainProgram, startMain } from './support/main-process.ts';
import { until } from './support/until.ts';

const run = promisify(execFile);

let program: string;
let folder: string;
let app: MainProcess | undefined;
beforeAll(async () => {
  program = await mainProgram();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'log „ü+🗄" '));
});
afterEach(async () => {
  await app?.kill();
  app = undefined;
  rmSync(folder, { recursive: true });
});

const AT_ONCE = 20;

/** Each is logged, with its stack, where the level is `debug`. */
async function failSome(requests: number): Promise<void> {
  for (let left = requests; left > 0; left -= AT_ONCE) {
    const asked = Array.from({ length: Math.min(left, AT_ONCE) }, () => fetch(`${app?.url}/api/none`));
    for (const { status } of await Promise.all(asked)) expect(status).toBe(404);
  }
}

async function expectToEndWell(): Promise<void> {
  app?.child.kill('SIGTERM');
  expect(await app?.untilEnded()).toBe(0);
}

const DEBUG = { LOG_LEVEL: 'debug' };

describe('the program goes on serving, and ends when it is told to,', () => {
  it.each([
    ['where nobody reads its log any more', 'exec "$@"'],
    ['where nobody reads its log and its errors any more', 'exec "$@" 2>&1'],
    ['where its log is a full disk', 'exec "$@" >/dev/full'],
    ['where its log and its errors are a full disk', 'exec "$@" >/dev/full 2>&1'],
    ['where its log is closed from the start', 'exec "$@" >&-'],
    ['where its log and its errors are closed from the start', 'exec "$@" >&- 2>&-'],
    ['where its log can only be read', 'exec "$@" 1</dev/null'],
  ])('%s', async (_, shell) => {
    app = await startMain(program, join(folder, 'data'), { env: DEBUG, shell });
    await app.untilListening();
    app.child.stdout?.destroy();
    await failSome(30);
    await expectToEndWell();
  });

  it('where a reader stands still, and tells how many lines were dropped when it goes on', async () => {
    app = await startMain(program, join(folder, 'data'), { env: DEBUG });
    app.child.stdout?.pause();
    await app.untilListening();
    await failSome(2_000);
    app.child.stdout?.resume();
    const line = await until('the note about lost lines', 60_000, () => linesOf(app?.output()).find(isNote));
    expect(line['count']).toBeGreaterThan(0);
    const written = linesOf(app.output()).filter(({ message }) => message === 'request failed').length;
    // What the app says of its own accord may be among those that were dropped.
    expect(written + Number(line['count'])).toBeGreaterThanOrEqual(2_000);
    expect(written + Number(line['count'])).toBeLessThan(2_010);
    await expectToEndWell();
  });

  it('where the disk of its log is full, and tells how many lines were dropped when there is room', async () => {
    const shim = await createDiskShim(join(folder, 'logs'));
    const file = join(folder, 'logs.txt');
    writeFileSync(file, '');
    const descriptor = openSync(file, 'a');
    try {
      app = await startMain(program, join(folder, 'data'), {
        env: { ...DEBUG, ...shim.env },
        stdio: ['ignore', descriptor, 'pipe'],
      });
      await app.untilListening();
      shim.begin('full');
      await failSome(7);
      shim.end();
      await failSome(1);
      const note = await until('the note', 60_000, () => linesOf(readFileSync(file, 'utf8')).find(isNote));
      expect(note).toMatchObject({ level: 'warn', count: 7 });
      await expectToEndWell();
    } finally {
      closeSync(descriptor);
      shim.remove();
    }
  });
});

describe('a command', () => {
  it('fails where what it has to say can not be written', async () => {
    app = await startMain(program, join(folder, 'data'));
    await app.untilListening();
    const command = await startMain(program, join(folder, 'data'), {
      args: ['reset-password', 'admin@example.com'],
      shell: 'exec "$@" >/dev/full',
    });
    expect(await command.untilEnded()).toBe(1);
    expect(command.errors()).toMatch(
      /^The command did its work, but its answer could not be written: ENOSPC.* Run it again\.\n$/,
    );
  });
});

describe('the output of the log', () => {
  const dropped = (count: number) => `dropped ${count}`;

  it('keeps no more than it may for a reader that stands still', () => {
    // Takes one piece and is never done with it.
    const stream = new Writable({ decodeStrings: false, write: () => undefined });
    const output = logOutput({ fd: -1, stream }, { dropped, maxWaiting: 1_000 });
    for (let count = 0; count < 10_000; count += 1) output('x'.repeat(99));
    expect(stream.writableLength).toBeLessThanOrEqual(1_100);
  });

  it('keeps every line whole where a file found room for half of one', async () => {
    const file = join(folder, 'short.log');
    const script = `
      const { truncateSync } = await import('node:fs');
      const { logOutput } = await import(${JSON.stringify(new URL('../src/node/log-output.ts', import.meta.url).href)});
      const output = logOutput({ fd: 1, stream: process.stdout }, { dropped: (count) => JSON.stringify({ count }) });
      for (let n = 0; n < 30; n += 1) output(JSON.stringify({ n, text: 'ü'.repeat(50) }));
      truncateSync(${JSON.stringify(file)}, 2000);
      output(JSON.stringify({ last: true }));
    `;
    // The limit of a file's size is in KiB.
    await run('/bin/bash', [
      '-c',
      'ulimit -f 3; exec "$@" >>"$0"',
      file,
      process.execPath,
      '--input-type=module',
      '-e',
      script,
    ]);
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(lines.slice(-2)).toEqual([expect.stringMatching(/^\{"count":\d+\}$/), '{"last":true}']);
  });

  it('has a line for what can not be written as JSON', () => {
    const lines: string[] = [];
    const log = createLog(
      'info',
      (line) => lines.push(line),
      () => new Date(0),
    );
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    log.info('a circle', { circle });
    log.error('a number', { size: 10n });
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { message: 'a circle', fieldsLost: expect.stringContaining('circular') },
      { message: 'a number', fieldsLost: expect.stringContaining('BigInt') },
    ]);
  });
});

type Line = Readonly<Record<string, unknown>>;

/** The whole lines so far. */
function linesOf(text = ''): readonly Line[] {
  return text
    .split('\n')
    .slice(0, -1)
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

function isNote({ message }: Line): boolean {
  return message === 'log lines were dropped';
}
