/**
 * Lets an installation of many databases back up by schedule for a while, with faults in the storage, and looks at its memory:
 *
 *   npm run soak -- [--minutes N] [--databases N] [--faults PERCENT] [--seed N]
 *
 * Needs what the tests need, and root. Ends with status 1 where the last quarter's memory is more than a tenth away from the second's.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Fault } from '../../dev/bucket/faults.ts';
import { appEnvironment, appFlags } from '../../scripts/app-memory.mjs';
import { create, ODD } from '../attack/ground.ts';
import { createRandom, pick } from '../attack/verdict.ts';
import { type ChildApp, startChildApp } from '../support/child-process.ts';
import { DATABASE, type Field, openField, prepareField } from './field.ts';
import { readNumbers } from './numbers.ts';

const BUCKET = 'soak';
const LOOK_EVERY_MS = 2_000;
/** More than come in an hour. */
const FAULTS = 5_000;
const MIB = 1024;
const KINDS: readonly Fault[] = [
  { kind: 'status', status: 503, code: 'SlowDown' },
  { kind: 'status', status: 500, code: 'InternalError' },
  { kind: 'reset' },
  { kind: 'reset-after' },
  { kind: 'hang' },
];

const options = readNumbers(process.argv.slice(2), { minutes: 20, databases: 50, faults: 5, seed: 1 });
console.log(`soak: ${JSON.stringify(options)}`);
const field = await openField([BUCKET]);
try {
  // As in production: by itself V8 and glibc hold far more than they need.
  const env = { ...field.env, ...appEnvironment, DATA_DIR: join(field.folder, 'soak') };
  const app = await startChildApp(field.program, { ...env, SCHEDULER_BACKUP_CHECK_INTERVAL: '1s' }, appFlags);
  await register(field, app);
  addFaults(field);
  const sizes: number[] = [];
  for (const until = Date.now() + options.minutes * 60_000; Date.now() < until; ) {
    await pause(LOOK_EVERY_MS);
    sizes.push(residentKib(app.pid));
    if (sizes.length % 60 === 0)
      console.log(`soak: ${mib(sizes.at(-1) ?? 0)} MiB after ${sizes.length * 2} s`);
  }
  const { completed, failed, whys } = await countBackups(app);
  const hits = field.bucket.faults.hits().length;
  await app.kill();
  const quarter = Math.floor(sizes.length / 4);
  const [second, last] = [mean(sizes.slice(quarter, 2 * quarter)), mean(sizes.slice(-quarter))];
  const requests = field.bucket.requests.length;
  console.log(
    `soak: ${completed} backups completed, ${failed} failed; ${hits} of ${requests} requests met a fault; ` +
      `memory of the second quarter ${mib(second)} MiB, of the last ${mib(last)} MiB, at most ${mib(Math.max(...sizes))} MiB`,
  );
  for (const [why, count] of whys) console.log(`soak: failed ${count} times: ${why}`);
  process.exitCode = Math.abs(last / second - 1) <= 0.1 ? 0 : 1;
} finally {
  await field.close();
}

async function register(field: Field, app: ChildApp): Promise<void> {
  const { environment, server } = await prepareField(field, app, BUCKET);
  const { postgres } = field;
  await app.ask('PUT', '/api/settings/system', {
    backupRetentionPreset: 'custom',
    backupRetentionKeepLast: 2,
  });
  for (let index = 0; index < options.databases; index += 1) {
    const id = await create(app, 'database', `/api/environments/${environment}/databases`, {
      ...{ name: `${index} ${ODD}`, type: 'postgres', serverId: server, backupFormat: 'custom' },
      ...{ host: '127.0.0.1', port: postgres.port, databaseName: DATABASE, ...postgres.superuser },
      ...{ backupStorageType: 'spaces', backupSpacesBucket: BUCKET, backupSpacesPrefix: `${ODD}/${index}/` },
    });
    await app.ask('PUT', `/api/databases/${id}/schedule`, {
      cronExpression: `${index % 5}/5 * * * *`,
      retries: 1,
      retryMinutes: 1,
    });
  }
}

/** Each so many requests after the one before it that the share of them is right. */
function addFaults({ bucket }: Field): void {
  const random = createRandom(options.seed);
  const between = 100 / options.faults;
  let skip = 0;
  for (let count = 0; count < FAULTS; count += 1) {
    const fault = pick(random, KINDS);
    skip += Math.floor(random() * 2 * between);
    if (fault !== undefined) bucket.faults.add({ match: {}, skip, fault });
  }
}

/** `whys`: the first line of each failure's message, and how often it was said. */
async function countBackups(app: ChildApp) {
  const list = async (state: string) => {
    const { runs } = (await app.ask('GET', `/api/runs?kind=backup&state=${state}&limit=1000`)) as {
      runs: readonly { readonly error?: { readonly message?: string } | null }[];
    };
    return runs;
  };
  const [completed, failed] = [await list('completed'), await list('failed')];
  const messages = failed.map(({ error }) => (error?.message ?? '').split('\n')[0] ?? '');
  const whys = [...Map.groupBy(messages, (message) => message.replaceAll(/\d+/g, '0'))];
  return {
    completed: completed.length,
    failed: failed.length,
    whys: whys.map(([why, all]) => [why, all.length] as const).sort((a, b) => b[1] - a[1]),
  };
}

function residentKib(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

function mean(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0) / values.length;
}

function mib(kib: number): string {
  return (kib / MIB).toFixed(0);
}
