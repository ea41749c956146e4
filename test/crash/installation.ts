import { createHash } from 'node:crypto';
import { get } from 'node:https';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { create, ODD } from '../attack/ground.ts';
import type { Verdict } from '../attack/verdict.ts';
import { type ChildApp, startChildApp } from '../support/child-process.ts';
import { until } from '../support/until.ts';
import { DATABASE, type Field, prepareField } from './field.ts';
import { type Records, readRecords } from './records.ts';

/** How long the repair of a killed installation, and what waited for it, may take on a machine that is busy. */
const SETTLED_WITHIN_MS = 240_000;
/** Of real time; 60 times as long in the calendar of its schedules. */
const LONGEST_LIFE_MS = 20_000;
/** Kept: few, so that much is pruned. */
const POLICY = { keepLast: 3, daily: 1, weekly: 0, monthly: 0, yearly: 0, minFloor: 2 };

export interface Counts {
  kills: number;
  checks: number;
  downloads: number;
}

/** An installation that is killed again and again. */
export interface CrashedInstallation {
  /** One life of a random length, killed; sometimes another one, killed while it repairs; then what must hold is checked. */
  round(mayKill: () => boolean): Promise<void>;
  /** After the last: all that was left behind is gone. */
  end(): Promise<Records>;
}

export async function prepareInstallation(
  field: Field,
  bucket: string,
  { verdict, random, counts }: { verdict: Verdict; random: () => number; counts: Counts },
): Promise<CrashedInstallation> {
  const folder = join(field.folder, bucket);
  const since = String(Date.now());
  let mostKept = 0;
  const start = (schedulerEnabled: boolean): Promise<ChildApp> =>
    startChildApp(field.program, {
      ...field.env,
      DATA_DIR: folder,
      TEST_CALENDAR_SINCE: since,
      SCHEDULER_BACKUP_CHECK_INTERVAL: '1s',
      SCHEDULER_ENABLED: schedulerEnabled ? '1' : '0',
    });
  const first = await start(false);
  await register(field, first, bucket);
  await first.stop();

  async function liveAndDie(longestMs: number): Promise<void> {
    const app = await start(true);
    await pause(random() * longestMs);
    await app.kill();
    counts.kills += 1;
  }

  /** With the scheduler off, so that what waits comes to its end. */
  async function rest(): Promise<{ readonly app: ChildApp; readonly records: Records }> {
    const app = await start(false);
    const deadline = Date.now() + SETTLED_WITHIN_MS;
    let records = readRecords(folder);
    while (records.going.length > 0 && Date.now() < deadline) {
      await pause(200);
      records = readRecords(folder);
    }
    verdict.check(`${bucket}: everything comes to its end`, records.going.length === 0, records.going);
    return { app, records };
  }

  async function check({ app, records }: { app: ChildApp; records: Records }): Promise<void> {
    const { completed, open, wrongSlots } = records;
    const known = new Set([...completed.map(({ key }) => key), ...open]);
    const objects = field.bucket.objects(bucket).map(({ key }) => key);
    const strays = [...objects, ...field.bucket.uploads(bucket).map(({ key }) => key)];
    const orphans = strays.filter((key) => !known.has(key));
    verdict.check(`${bucket}: nothing is orphaned`, orphans.length === 0, orphans);
    verdict.check(`${bucket}: each slot has its line`, wrongSlots.length === 0, wrongSlots);
    mostKept = Math.max(mostKept, completed.length);
    const floor = Math.min(mostKept, POLICY.minFloor);
    verdict.check(`${bucket}: the floor is there`, completed.length >= floor, completed.length);
    for (const { id, sha256 } of completed) {
      // On a machine that is busy the bucket may not answer in time.
      const found = await until(`${id} to download`, SETTLED_WITHIN_MS, async () => {
        const asked = await app.ask('GET', `/api/backups/${id}/download`).catch(() => undefined);
        return asked && hashOf(String(asked['downloadUrl']), String(field.bucket.caPem));
      }).catch(String);
      verdict.check(`${bucket}: ${id} downloads as it was stored`, found === sha256, { found, sha256 });
      counts.downloads += 1;
    }
    counts.checks += 1;
  }

  return {
    async round(mayKill) {
      if (mayKill()) await liveAndDie(LONGEST_LIFE_MS);
      if (random() < 0.3 && mayKill()) await liveAndDie(1_000);
      const settled = await rest();
      await check(settled);
      await settled.app.stop();
    },
    async end() {
      const { app, records } = await rest();
      await check({ app, records });
      await app.stop();
      return records;
    },
  };
}

async function register(field: Field, app: ChildApp, name: string): Promise<void> {
  const { environment, server } = await prepareField(field, app, name);
  const { postgres } = field;
  // What reads in full by itself would hold what is to be pruned.
  await app.ask('PUT', '/api/settings/system', { fullReadEveryDays: 0 });
  for (const [backupFormat, cronExpression] of [
    ['custom', '*/10 * * * *'],
    ['plain', '5/20 * * * *'],
  ] as const) {
    const id = await create(app, 'database', `/api/environments/${environment}/databases`, {
      ...{ name: `${backupFormat} ${ODD}`, type: 'postgres', serverId: server, backupFormat },
      ...{ host: '127.0.0.1', port: postgres.port, databaseName: DATABASE, ...postgres.superuser },
      ...{
        backupStorageType: 'spaces',
        backupSpacesBucket: name,
        backupSpacesPrefix: `${ODD}/${backupFormat}/`,
      },
    });
    await app.ask('PUT', `/api/databases/${id}/backup-policy`, { preset: 'custom', ...POLICY });
    await app.ask('PUT', `/api/databases/${id}/schedule`, { cronExpression, retries: 1, retryMinutes: 1 });
  }
}

function hashOf(url: string, ca: string): Promise<string> {
  return new Promise((done, fail) => {
    const request = get(url, { ca, agent: false }, (response) => {
      const hash = createHash('sha256');
      response.on('data', (chunk: Buffer) => hash.update(chunk));
      response.on('error', fail);
      response.on('end', () =>
        done(response.statusCode === 200 ? hash.digest('hex') : String(response.statusCode)),
      );
    });
    request.on('error', fail);
  });
}
