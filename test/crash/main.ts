/**
 * Kills four installations at random instants of their schedules, backups, pruning and repairs:
 *
 *   npm run crash -- [--kills N] [--installations N] [--seed N]
 *
 * or restores, verifications and drills, of three installations, N times:
 *
 *   npm run crash -- --restores N [--seed N]
 *
 * Needs what the tests need, and root. Prints its figures; ends with status 1 where something did not hold.
 */
import { createVerdict } from '../attack/verdict.ts';
import { crash } from './crash.ts';
import { readNumbers } from './numbers.ts';
import { killRestores } from './restores.ts';

const options = readNumbers(process.argv.slice(2), {
  kills: 200,
  installations: 4,
  seed: Date.now() % 1_000_000,
  restores: 0,
});
console.log(`crash: ${JSON.stringify(options)}`);
const startedAt = performance.now();
const verdict = createVerdict();
const { restores, seed } = options;
const crashed =
  restores > 0
    ? await killRestores({ kills: restores, installations: 3, seed }, verdict)
    : await crash(options, verdict);
const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
console.log(`crash: ${JSON.stringify(crashed)} in ${minutes} min`);
console.log(`${verdict.passed} passed, ${verdict.failed} failed`);
process.exitCode = verdict.failed === 0 ? 0 : 1;
