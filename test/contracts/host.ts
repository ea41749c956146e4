import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { AppError } from '../../src/errors.ts';
import type { Host, HostCommand, RunOptions } from '../../src/hosts/host.ts';
import { quote } from '../../src/hosts/quote.ts';
import { until } from '../support/until.ts';

export interface HostUnderTest {
  readonly host: Host;
  /** Everything that `ps` shows of the host's processes to root: arguments and environments. */
  readonly whatIsVisible: () => Promise<string>;
  readonly stop: () => Promise<void>;
}

const MIB = 1024 * 1024;

/** What any shell must carry unchanged. */
export const HOSTILE = [
  '',
  "it's",
  '"double"',
  '$(touch /tmp/x) `id` \u0024{HOME} $HOME',
  'a\\b\\\\c \\n',
  '; rm -rf / # & | > <',
  'two\nlines\n\n',
  ' leading and trailing ',
  '*?[a-z]~ !history {a,b}',
  '-n --help',
  'ünïcødé 漢字 🦔',
  '\t\r\u0001\u007f',
  '%s %d %%',
  'host=elsewhere port=1',
];

/**
 * The promises of the port `Host`; every adapter passes them, with an output of so many MiB. `stepBytes` is what a process
 * of the host writes of an output that nobody reads; several fit into what is on its way. One after the other, though
 * suites may run beside this one.
 */
export function describeHost(
  name: string,
  open: () => Promise<HostUnderTest>,
  { mebibytes = 64, stepBytes = 65_536 }: { readonly mebibytes?: number; readonly stepBytes?: number } = {},
): void {
  describe(`the host contract: ${name}`, { concurrent: false }, () => {
    let under: HostUnderTest;
    beforeAll(async () => {
      under = await open();
    });
    afterAll(() => under.stop());
    const start = (command: HostCommand | string, options: Partial<RunOptions> = {}) =>
      under.host.run(typeof command === 'string' ? { script: command } : command, {
        signal: new AbortController().signal,
        ...options,
      });
    const isVisible = async (text: string) => (await under.whatIsVisible()).includes(text);
    const untilGone = (text: string) =>
      until(`${text} to be gone`, 60_000, async () => !(await isVisible(text)));

    it('gives the stdout of a command that succeeds', async () => {
      expect(await textOf(start('echo one; printf two'))).toBe('one\ntwo');
    });

    it('throws the exit status and the stderr of a command that fails, after its output', async () => {
      let seen = '';
      const failure = await failureOf(start('echo out; echo why >&2; exit 3'), (text) => {
        seen += text;
      });
      expect(seen).toBe('out\n');
      expect(failure).toMatchObject({
        code: 'host_command',
        details: { exitCode: 3, exitSignal: null, stderr: 'why\n' },
      });
    });

    it('throws the signal that ended a command', async () => {
      expect(await failureOf(start('kill -s KILL $$'))).toMatchObject({
        code: 'host_command',
        details: { exitCode: null, exitSignal: 'SIGKILL' },
      });
    });

    it('reports a program that is missing', async () => {
      const failure = await failureOf(start('no-such-program --really'));
      expect(failure).toMatchObject({ code: 'host_command', details: { exitCode: 127 } });
      expect(failure.message).toMatch(/not found/);
    });

    it('reports a script that no shell can parse', async () => {
      expect(await failureOf(start("echo 'unfinished; (("))).toMatchObject({ code: 'host_command' });
    });

    it('gives a script without input an empty stdin', async () => {
      expect(await textOf(start('cat; echo end'))).toBe('end\n');
    });

    it('drains a flood of stderr beside stdout and keeps its beginning and its end', async () => {
      const running = start(
        `(echo first; yes stderr | head -c ${6 * MIB}; echo last) >&2 & yes stdout | head -c ${6 * MIB}; wait`,
      );
      expect(await bytesOf(running)).toBe(6 * MIB);
      expect(running.stderr().length).toBeLessThanOrEqual(8192);
      expect(running.stderr()).toMatch(/^first\nstderr\n[\s\S]*\n\[…\]\n[\s\S]*stderr\nst\w*last\n$/);
    });

    it.each([
      ['is silent beside', ':', false],
      ['writes lines to stderr', 'echo line $i >&2', false],
      ['writes lines to stderr, in bulk', 'echo line $i >&2', true],
    ])('stops a command that %s while nobody reads', async (_, beside, bulk) => {
      const progress = `/tmp/progress-${crypto.randomUUID()}`;
      const running = start(
        `echo 0 >${progress}; i=0; while [ $i -lt ${(200 * MIB) / stepBytes} ]; do head -c ${stepBytes} /dev/zero || exit 1; i=$((i+1)); ${beside}; echo $i >${progress}; done`,
        { bulk },
      )[Symbol.asyncIterator]();
      await running.next();
      const written = async () => Number(await textOf(start(`cat ${progress}`)));
      let before = -1;
      await vi.waitUntil(
        async () => {
          const now = await written();
          const hasStopped = now > 0 && now === before;
          before = now;
          return hasStopped;
        },
        { timeout: 60_000, interval: 300 },
      );
      // Pipes and windows hold a few MiB; the whole would be 200.
      expect(before * stepBytes).toBeLessThan(16 * MIB);
      await running.return?.();
      await textOf(start(`rm ${progress}`));
    });

    it(`gives ${mebibytes} MiB byte by byte`, async () => {
      const expected = createHash('sha256')
        .update(Buffer.alloc(mebibytes * MIB, '0123456789abcde\n'))
        .digest('hex');
      expect(await hashOf(start(`yes 0123456789abcde | head -c ${mebibytes * MIB}`))).toBe(expected);
    });

    it('hands the input to the script, whole and unchanged', async () => {
      // More than is on its way at once: 4 MiB at least.
      const oddBytes = Math.min(8191, mebibytes * 512 - 1);
      const chunks = Array.from({ length: 64 }, (_, index) => randomBytes(index * oddBytes));
      const expected = createHash('sha256').update(Buffer.concat(chunks)).digest('hex');
      expect(await hashOf(start('cat', { input: each(chunks) }))).toBe(expected);
    });

    it('takes no more of the input than the script reads', async () => {
      let given = 0;
      async function* endless() {
        for (; given < 1000 * MIB; given += 65536) yield new Uint8Array(65536);
      }
      expect(await textOf(start('head -c 3 | wc -c', { input: endless() }))).toMatch(/^\s*3\n$/);
      expect(given).toBeLessThan(32 * MIB);
    });

    it('throws the error of an input that fails and kills the script before it sees an end', async () => {
      const sign = newSign();
      const problem = new Error('the source broke');
      async function* broken() {
        yield new TextEncoder().encode('some');
        throw problem;
      }
      const seen = `/tmp/seen-${sign}`;
      const script = `: ${sign}; cat >/dev/null; touch ${seen}; sleep ${sign}`;
      await expect(textOf(start(script, { input: broken() }))).rejects.toBe(problem);
      await untilGone(sign);
      expect(await textOf(start(`ls ${seen} 2>/dev/null || echo none`))).toBe('none\n');
    });

    it('carries secrets of any characters', async () => {
      for (const secret of HOSTILE) {
        const command = { script: `printf '%s' "$PG_PASSWORD"`, secrets: { PG_PASSWORD: secret } };
        expect(await textOf(start(command))).toBe(secret);
      }
    });

    it('carries several secrets together with input', async () => {
      const command = {
        script: `printf '%s|%s|' "$ONE" "$TWO"; cat`,
        secrets: { ONE: 'first\n', TWO: 'x'.repeat(10_000) },
      };
      const input = each([new TextEncoder().encode('body')]);
      expect(await textOf(start(command, { input }))).toBe(`first\n|${'x'.repeat(10_000)}|body`);
    });

    it('shows no secret in any argument or environment, nor to the children of the script', async () => {
      const secret = `secret-${crypto.randomUUID()}`;
      const sign = newSign();
      const controller = new AbortController();
      const running = start(
        { script: `printf '%s\\n' "$TOKEN" | wc -c; env; sleep ${sign}`, secrets: { TOKEN: secret } },
        { signal: controller.signal },
      );
      let output = '';
      const reading = failureOf(running, (text) => {
        output += text;
      });
      await until(
        'the script to sleep',
        60_000,
        async () => output.includes('PATH=') && (await isVisible(`sleep ${sign}`)),
      );
      const visible = await under.whatIsVisible();
      controller.abort();
      await reading;
      expect(output).toMatch(/^\s*44\n/);
      expect(output).not.toContain(secret);
      expect(visible).toContain(sign);
      expect(visible).not.toContain(secret);
      expect(visible).not.toContain(Buffer.from(secret).toString('base64').slice(0, 20));
    });

    it('blanks secrets out of stderr', async () => {
      const command = {
        script: 'echo "login with $PW failed" >&2; exit 1',
        secrets: { PW: 'pa$$ w\nord' },
      };
      expect(await failureOf(start(command))).toMatchObject({
        details: { stderr: 'login with *** failed\n' },
      });
    });

    it('refuses a secret with a NUL character', async () => {
      const command = { script: 'true', secrets: { PW: 'a\0b' } };
      expect(await failureOf(start(command))).toMatchObject({ code: 'invalid' });
    });

    it('keeps quoted values as they are', async () => {
      for (const value of HOSTILE) expect(await textOf(start(`printf '%s' ${quote(value)}`))).toBe(value);
    });

    it('kills a pipeline when it is cancelled', async () => {
      const sign = newSign();
      const controller = new AbortController();
      const running = start(`echo started; sleep ${sign} | cat | cat`, { signal: controller.signal });
      const failure = await failureOf(running, () => controller.abort());
      expect(failure.code).toBe('cancelled');
      await untilGone(sign);
    });

    it('kills what ignores SIGTERM', async () => {
      const sign = newSign();
      const controller = new AbortController();
      const running = start(`trap '' TERM; echo started; sleep ${sign}`, { signal: controller.signal });
      await failureOf(running, () => controller.abort());
      await untilGone(sign);
    });

    it('kills what ignores SIGTERM, let go of its output and has input', async () => {
      const sign = newSign();
      const controller = new AbortController();
      async function* endless() {
        while (!controller.signal.aborted) yield new Uint8Array(65536);
      }
      const script = `(trap '' TERM; exec sleep ${sign} >/dev/null 2>&1) & echo started; cat >/dev/null`;
      const running = start(script, { signal: controller.signal, input: endless() });
      await failureOf(running, () => controller.abort());
      await untilGone(sign);
    });

    it('kills many commands at once', async () => {
      const sign = newSign();
      const controller = new AbortController();
      async function* endless() {
        while (!controller.signal.aborted) yield new Uint8Array(65536);
      }
      let started = 0;
      const one = () => {
        const script = `echo started; cat >/dev/null; sleep ${sign}`;
        return failureOf(start(script, { signal: controller.signal, input: endless() }), () => {
          started += 1;
          if (started === 8) controller.abort();
        });
      };
      await Promise.all(Array.from({ length: 8 }, one));
      await untilGone(sign);
    });

    it('kills a command with input when it is cancelled', async () => {
      const sign = newSign();
      const controller = new AbortController();
      async function* slow() {
        yield new TextEncoder().encode('x');
        await new Promise((done) => controller.signal.addEventListener('abort', done));
      }
      const running = start(`cat; sleep ${sign}`, { signal: controller.signal, input: slow() });
      const failure = await failureOf(running, () => controller.abort());
      expect(failure.code).toBe('cancelled');
      await untilGone(sign);
    });

    it('throws the reason of the abort when it is one of ours', async () => {
      const reason = new AppError('shutdown', 'The app is stopping.');
      const controller = new AbortController();
      const failing = failureOf(start('echo started; sleep 60', { signal: controller.signal }), () =>
        controller.abort(reason),
      );
      expect(await failing).toBe(reason);
    });

    it('starts nothing when it was cancelled before', async () => {
      const file = `/tmp/started-${crypto.randomUUID()}`;
      expect(await failureOf(start(`touch ${file}`, { signal: AbortSignal.abort() }))).toMatchObject({
        code: 'cancelled',
      });
      expect(await textOf(start(`ls ${file} 2>/dev/null || echo none`))).toBe('none\n');
    });

    it('kills the command when the reader leaves early', async () => {
      const sign = newSign();
      for await (const _ of start(`: ${sign}; yes; sleep ${sign}`)) break;
      await untilGone(sign);
    });

    it('ends what the script left running', async () => {
      const sign = newSign();
      expect(await textOf(start(`sleep ${sign} & echo done`))).toBe('done\n');
      await untilGone(sign);
    });

    it('gives up on a command that says nothing for too long, and kills it', async () => {
      const sign = newSign();
      const failure = await failureOf(start(`echo a; sleep ${sign}`, { idleTimeoutMs: 400 }));
      expect(failure.code).toBe('host_timeout');
      await untilGone(sign);
    });

    it('gives up on a command that has closed its output and does not end', async () => {
      const failure = await failureOf(start('echo a; exec >&- 2>&-; sleep 6', { idleTimeoutMs: 400 }));
      expect(failure.code).toBe('host_timeout');
    });

    it('gives up on a command that left something running which holds its stderr', async () => {
      const script = 'echo a; setsid sleep 6 >/dev/null & sleep 0.2';
      expect((await failureOf(start(script, { idleTimeoutMs: 400 }))).code).toBe('host_timeout');
    });

    it('counts as idle only the time that the host takes, not the reader', async () => {
      const output = start('echo a; sleep 1; echo b', { idleTimeoutMs: 3_000 })[Symbol.asyncIterator]();
      await output.next();
      await textOf(start('sleep 4'));
      expect((await output.next()).done).toBe(false);
      expect((await output.next()).done).toBe(true);
    });

    it('runs more commands at once than a connection has sessions', async () => {
      const numbers = Array.from({ length: 24 }, (_, index) => `${index}\n`);
      expect(
        await Promise.all(numbers.map((number) => textOf(start(`printf '%s' ${quote(number)}`)))),
      ).toEqual(numbers);
    });
  });
}

/** Unlike anything else that runs on the machine, and a number of seconds that `sleep` takes. */
export function newSign(): string {
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
  return `8${String(random).padStart(10, '0')}`;
}

export async function textOf(output: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of output) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** The error that the iteration throws; `onText` sees what came before. */
export async function failureOf(
  output: AsyncIterable<Uint8Array>,
  onText: (text: string) => void = () => {},
): Promise<AppError> {
  try {
    for await (const chunk of output) onText(Buffer.from(chunk).toString());
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('The command succeeded.');
}

async function bytesOf(output: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const chunk of output) bytes += chunk.length;
  return bytes;
}

async function hashOf(output: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of output) hash.update(chunk);
  return hash.digest('hex');
}

async function* each(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
  return bytes;
}
