/**
 * All checks, in the order of what fails fastest: Debian packages, lint, types, tests.
 *
 *   node scripts/test.mjs [--install] [--large] [FILE...]
 *
 * --install (or CI=1) installs missing Debian packages, as root. --large runs the long proofs of test/large
 * instead. FILE narrows the tests to files whose path contains it. The numbers go to .cache/test-numbers.json.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installCommand, installDebianPackages, missingDebianPackages } from './debian-packages.mjs';
import { countFaultCases, countTests } from './test-report.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const cache = join(root, '.cache');
const reportFile = join(cache, 'vitest.json');
const numbersFile = join(cache, 'test-numbers.json');

const args = process.argv.slice(2);
const large = args.includes('--large');
const files = args.filter((arg) => !arg.startsWith('--'));
/**
 * Of each step: a test that hangs ends the run with a failure instead of waiting for somebody to notice. All of them end within 25
 * minutes on two quiet cores; the rest is for machines that others use as well.
 */
const timeLimitMs = 28 * 60_000;
const startedAt = Date.now();

mkdirSync(cache, { recursive: true });
for (const file of [reportFile, numbersFile]) rmSync(file, { force: true });

provideDebianPackages();
const checks = large ? [] : [check('lint', 'biome', ['check', '.']), check('types', 'tsc', ['--noEmit'])];
const tests = runTests();
report([...checks, tests]);

function provideDebianPackages() {
  const missing = missingDebianPackages();
  if (missing.length === 0) return;
  const mayInstall = args.includes('--install') || ['1', 'true'].includes(process.env['CI'] ?? '');
  if (mayInstall && process.getuid?.() === 0) {
    console.log(`Installing Debian packages: ${missing.join(' ')} …`);
    installDebianPackages(missing);
    const still = missingDebianPackages();
    if (still.length === 0) return;
    fail(`apt-get could not install ${still.join(' ')}; what it said is above.`);
  }
  fail(
    `The tests run real servers, and this machine lacks Debian packages for them. As root:\n\n` +
      `  ${installCommand(missing)}\n\nor let the tests do it, as root: npm test -- --install`,
  );
}

/**
 * @param {string} name
 * @param {string} program in node_modules/.bin
 * @param {string[]} programArgs
 */
function check(name, program, programArgs) {
  const status = run(name, program, programArgs);
  return { name, passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1 };
}

function runTests() {
  const mode = large ? ['--mode', 'large'] : [];
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
  const status = run('tests', 'vitest', ['run', ...mode, ...reporters, ...files]);
  try {
    const parsed = JSON.parse(readFileSync(reportFile, 'utf8'));
    return { name: 'tests', ...countTests(parsed, status), faults: countFaultCases(parsed) };
  } catch (cause) {
    console.error(`vitest ended with exit status ${status} and left no readable report: ${cause}`);
    return { name: 'tests', passed: 0, failed: 1 };
  }
}

/**
 * @param {string} name
 * @param {string} program
 * @param {string[]} programArgs
 * @returns {number} exit status
 */
function run(name, program, programArgs) {
  console.log(`\n── ${name}: ${program} ${programArgs.slice(0, 2).join(' ')}`);
  const { status, error } = spawnSync(join(root, 'node_modules/.bin', program), programArgs, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: large ? undefined : timeLimitMs,
  });
  if (error) console.error(`${program} could not be started: ${error.message}`);
  return status ?? 1;
}

/** @param {ReadonlyArray<{
 *   name: string, passed: number, failed: number, faults?: { cases: number, failed: number },
 * }>} results */
function report(results) {
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  const failed = results.reduce((sum, result) => sum + result.failed, 0);
  writeFileSync(numbersFile, JSON.stringify({ passed, failed, results }));
  console.log('');
  for (const { name, ...numbers } of results) {
    console.log(`${name}: ${numbers.passed} passed, ${numbers.failed} failed`);
    if (numbers.faults) {
      console.log(`fault injection: ${numbers.faults.cases} cases, ${numbers.faults.failed} failed`);
    }
  }
  console.log(`${passed} passed, ${failed} failed in ${Math.round((Date.now() - startedAt) / 1000)} s`);
  process.exitCode = failed === 0 && tests.passed > 0 ? 0 : 1;
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  console.error(message);
  process.exit(1);
}
