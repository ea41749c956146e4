import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bridgeport-ci-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('.ci/run', () => {
  test('adds the demo to the numbers of the tests and ends with their sum', async () => {
    const { lines, exitStatus } = await ciRun({ demo: 'exit 0', test: numbers(41, 0) });
    expect(lines.at(-1)).toBe('42 passed, 0 failed');
    expect(exitStatus).toBe(0);
  });

  test('fails when the demo fails', async () => {
    const { lines, exitStatus } = await ciRun({ demo: 'exit 3', test: numbers(41, 0) });
    expect(lines.at(-1)).toBe('41 passed, 1 failed');
    expect(exitStatus).toBe(1);
  });

  test('fails when a test fails', async () => {
    const { lines, exitStatus } = await ciRun({ demo: 'exit 0', test: `${numbers(40, 2)}; exit 1` });
    expect(lines.at(-1)).toBe('41 passed, 2 failed');
    expect(exitStatus).toBe(1);
  });

  test('counts a test command that ends without numbers as a failure', async () => {
    const { lines, exitStatus } = await ciRun({ demo: 'exit 0', test: 'exit 0' });
    expect(lines.at(-1)).toBe('1 passed, 1 failed');
    expect(exitStatus).toBe(1);
  });

  function numbers(passed: number, failed: number): string {
    return `mkdir -p .cache; echo '{"passed":${passed},"failed":${failed}}' > .cache/test-numbers.json`;
  }

  /** Runs a copy of the script in a folder of its own, with an npm that runs the given shell commands. */
  async function ciRun(commands: { demo: string; test: string }) {
    mkdirSync(join(folder, '.ci'));
    copyFileSync(new URL('../.ci/run', import.meta.url), join(folder, '.ci/run'));
    const npm = `#!/bin/sh\ncase "$*" in "run demo -- --once") ${commands.demo};; test) ${commands.test};; *) exit 99;; esac\n`;
    writeFileSync(join(folder, 'npm'), npm, { mode: 0o755 });
    const env = { ...process.env, PATH: [folder, process.env['PATH']].join(delimiter) };
    return await new Promise<{ lines: string[]; exitStatus: number | null }>((resolve) => {
      const child = execFile(join(folder, '.ci/run'), { env }, (_error, stdout) =>
        resolve({ lines: stdout.trimEnd().split('\n'), exitStatus: child.exitCode }),
      );
    });
  }
});

describe('starting a script under the pinned Node', () => {
  const withNode = fileURLToPath(new URL('../scripts/with-node.mjs', import.meta.url));

  test('it gets its arguments, and its exit status is handed back', async () => {
    const child = start('console.log(process.argv.slice(2).join("|")); process.exit(7)', ['--once', 'a b']);
    // Both from the start: it may have ended before its line is read.
    const [[line], [exitStatus]] = await Promise.all([
      once(createInterface(child.stdout), 'line'),
      once(child, 'exit'),
    ]);
    expect({ line, exitStatus }).toEqual({ line: '--once|a b', exitStatus: 7 });
  });

  test('programs that it starts find the same Node by name', async () => {
    const child = start(
      `import { execFileSync } from 'node:child_process';
       console.log(execFileSync('node', ['--version'], { encoding: 'utf8' }).trim() === process.version)`,
    );
    const [line] = await once(createInterface(child.stdout), 'line');
    expect(line).toBe('true');
  });

  test('SIGTERM reaches it', async () => {
    const child = start(
      'process.on("SIGTERM", () => process.exit(5)); setInterval(() => {}, 1000); console.log("up")',
    );
    await once(createInterface(child.stdout), 'line');
    child.kill('SIGTERM');
    const [exitStatus] = await once(child, 'exit');
    expect(exitStatus).toBe(5);
  });

  function start(source: string, args: readonly string[] = []) {
    const script = join(folder, 'script.mjs');
    writeFileSync(script, source);
    return spawn(process.execPath, [withNode, script, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: '/usr/bin:/bin' },
    });
  }
});
