import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { PostgresPlace } from './support/postgres.ts';
import { ownName } from './support/shared/ask.ts';
import { sharedPostgres } from './support/shared/postgres.ts';
import { until } from './support/until.ts';

const SETUP = fileURLToPath(new URL('support/shared/setup.ts', import.meta.url));
/** A run of the tests in a process of its own, as far as the shared servers see it. */
const RUN = `
  const { default: setUp } = await import(${JSON.stringify(SETUP)});
  let door;
  const tearDown = await setUp({ provide: (_, url) => { door = url } });
  const ask = async (kind) => { const answer = await fetch(door + '/' + kind); return [answer.status, await answer.text()] };
  const { execFileSync } = await import('node:child_process');
  const children = () => execFileSync('ps', ['-o', 'pid=,args=', '--ppid', process.pid], { encoding: 'utf8' });
  const print = (value) => console.log(JSON.stringify(value));
`;

describe('the servers that test files share', () => {
  it('are not started where no file asks, nor is a process for them', async () => {
    const { line, exited } = await startRun('await print(children()); await tearDown();');
    expect(await line()).not.toContain('keeper');
    expect(await exited).toBe(0);
  });

  it('are started once, however many ask at the same time, and end with the run', async () => {
    const { line, exited } = await startRun(
      `print(await Promise.all([ask('postgres'), ask('postgres')])); print(await ask('postgres')); await tearDown();`,
    );
    const [[status, first], [, second]] = (await line()) as [[number, string], [number, string]];
    const [, third] = (await line()) as [number, string];
    expect([status, second, third]).toEqual([200, first, first]);
    expect(await exited).toBe(0);
    expect(await isGone(JSON.parse(first))).toBe(true);
  });

  it('end when the run is killed', async () => {
    const { child, line, exited } = await startRun(
      `print(await ask('postgres')); setInterval(() => {}, 1000);`,
    );
    const [, place] = (await line()) as [number, string];
    expect(await isGone(JSON.parse(place))).toBe(false);
    child.kill('SIGKILL');
    await exited;
    await until('the server to end', 60_000, () => isGone(JSON.parse(place)));
  });

  it('fail those who wait when their keeper ends', async () => {
    const { line, exited } = await startRun(`
      const asked = ask('postgres');
      let pid;
      while (pid === undefined) {
        await new Promise((turn) => setImmediate(turn));
        pid = /^ *(\\d+) .*keeper/m.exec(children())?.[1];
      }
      process.kill(Number(pid), 'SIGTERM');
      print(await asked);
      await tearDown();`);
    expect(await line()).toEqual([500, 'the process that starts servers has ended']);
    expect(await exited).toBe(0);
  });

  it('say what is wrong where one does not start', async () => {
    const { line, exited } = await startRun(`print(await ask('oracle')); await tearDown();`);
    expect(await line()).toEqual([500, expect.stringContaining('TypeError')]);
    expect(await exited).toBe(0);
  });

  it('hold what a file made until it stops, and nothing after', async () => {
    const [mine, other] = [await sharedPostgres(), await sharedPostgres()];
    const name = ownName('ü + "q" 😀');
    await mine.createDatabase(name);
    await expect(other.createDatabase(name)).rejects.toThrow('already exists');
    await other.stop();
    expect(await mine.query('select 1 as one', name)).toEqual([{ one: 1 }]);
    await mine.stop();
    await expect(mine.query('select 1', name)).rejects.toThrow('does not exist');
  });
});

async function startRun(script: string) {
  const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', RUN + script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const exited = once(child, 'exit').then(([code]) => code);
  const { stdout } = child;
  if (stdout === null) throw new Error('no output');
  const lines = createInterface(stdout)[Symbol.asyncIterator]();
  return { child, exited, line: async (): Promise<unknown> => JSON.parse((await lines.next()).value ?? '') };
}

/** No server answers there and no folder is left. */
async function isGone({ port, folder }: PostgresPlace): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const answers = await new Promise<boolean>((done) => {
    socket.on('connect', () => done(true)).on('error', () => done(false));
  });
  socket.destroy();
  return !answers && !existsSync(folder);
}
