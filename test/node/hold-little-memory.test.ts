import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { appFlags } from '../../scripts/app-memory.mjs';

const PROGRAM_FILE = JSON.stringify(join(import.meta.dirname, '../../src/node/hold-little-memory.ts'));

/** Garbage among old objects, which V8 collects when it thinks that there is enough; what it says of that is its output. */
const PROGRAM = `
import { holdLittleMemory } from ${PROGRAM_FILE};
let kept = [];
function litter() {
  for (let turn = 0; turn < 60; turn += 1) {
    kept.push(new Array(131072).fill(turn));
    if (kept.length > 8) kept = [];
  }
}
for (const isWanted of [false, true, false]) {
  console.log('change');
  holdLittleMemory(isWanted);
  console.log(isWanted ? 'little' : 'usual');
  litter();
}
`;

it('compacts the heap while that is wanted, and not before or afterwards', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...appFlags,
    '--trace-gc',
    ...['--input-type=module', '--eval', PROGRAM],
  ]);
  // Marking that was under way may end while the function runs, and counts for neither side.
  const [, before = '', during = '', after = ''] = stdout
    .split(/^(?:usual|little)$/m)
    .map((text) => text.replace(/^change$[\s\S]*/m, ''));
  // What is asked for by the function itself is a test to V8.
  const compacting = (text: string) =>
    text.split('\n').filter((line) => line.includes('Mark-Compact (reduce)') && !line.includes('testing'));
  expect(before).toContain('Mark-Compact');
  expect(compacting(before)).toEqual([]);
  expect(compacting(during)).not.toEqual([]);
  expect(after).toContain('Mark-Compact');
  expect(compacting(after)).toEqual([]);
});
