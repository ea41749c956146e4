import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { appFlags } from '../scripts/app-memory.mjs';
import { COMPILED } from '../scripts/warm-up.mjs';
import { mainProgram, startMain } from './support/main-process.ts';

const SCRIPT = resolve(import.meta.dirname, '../scripts/warm-up.mjs');

let program: string;
let folder: string;

beforeAll(async () => {
  program = await mainProgram();
  folder = mkdtempSync(join(tmpdir(), 'warm „ü+🗄" '));
  await promisify(execFile)(process.execPath, [SCRIPT, program]);
  cpSync(join(dirname(program), COMPILED), join(folder, COMPILED), { recursive: true });
});
afterAll(() => {
  rmSync(join(dirname(program), COMPILED), { recursive: true });
  rmSync(folder, { recursive: true });
});

/** Every file of the compiled code. */
const filesIn = (compiled: string) =>
  readdirSync(compiled, { recursive: true, encoding: 'utf8' })
    .map((name) => join(compiled, name))
    .filter((file) => statSync(file).isFile());

/** What Node says of the compiled code of the program itself, in a start that answers. */
async function startedWith(compiled: string): Promise<string> {
  const app = await startMain(program, join(folder, 'data'), {
    env: {
      NODE_COMPILE_CACHE: compiled,
      NODE_DEBUG_NATIVE: 'COMPILE_CACHE',
      NODE_OPTIONS: appFlags.join(' '),
    },
  });
  await app.untilListening();
  await app.kill();
  return app
    .errors()
    .split('\n')
    .filter((line) => line.includes(program) && /cache for .* was (?:accepted|rejected)|mismatch/.test(line))
    .join('\n');
}

it('a start takes the compiled code that the warm-up has left, with the flags of the image', async () => {
  expect(filesIn(join(folder, COMPILED)).length).toBeGreaterThan(3);
  expect(await startedWith(join(folder, COMPILED))).toContain('accepted');
});

it('a start takes no code that somebody spoiled, and answers all the same', async () => {
  for (const file of filesIn(join(folder, COMPILED))) writeFileSync(file, 'process.exit(1)'.repeat(500));
  expect(await startedWith(join(folder, COMPILED))).not.toContain('accepted');
});
