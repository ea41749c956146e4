import { constants } from 'node:os';
import { AppError } from '../../../errors.ts';
import { openLocalHost } from '../../../hosts/node/local.ts';
import { createLog } from '../../../log.ts';
import { restoreByHand, STATUS } from './program.ts';

const words = process.argv.slice(2);
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const ended = new AbortController();
let signalled: (typeof ENDING)[number] | null = null;
// What is half made is taken away first. A dump that is written ends at once, also while nobody reads it and a write blocks.
const isMaking = words.some((word) => word.startsWith('--into'));
for (const signal of isMaking ? ENDING : []) {
  process.on(signal, () => {
    signalled = signal;
    ended.abort(new AppError('cancelled', `Ended by ${signal}.`));
  });
}
// Their failure comes out where they are written.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

const log = createLog(
  'error',
  (line) => process.stderr.write(`${line}\n`),
  () => new Date(),
);

process.exitCode = await restoreByHand(words, {
  cwd: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  tell: (line) => process.stderr.write(`bridgeport-restore: ${line}\n`),
  signal: ended.signal,
  fetch,
  openHost: () => openLocalHost({ label: 'this machine', log }),
}).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  return STATUS.unexpected;
});
if (signalled !== null) process.exitCode = 128 + constants.signals[signalled];
// A stopped source may still hold a connection open.
process.exit();
