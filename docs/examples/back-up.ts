/**
 * Backs a database up, waits for its end, and tells what its manifest says: a typed client in one file. It signs in by an API
 * token; `docs/client.md` says how a project of your own gets the type.
 *
 *     BRIDGEPORT_URL=https://backups.example.com BRIDGEPORT_TOKEN=bport_pat_… node docs/examples/back-up.ts DATABASE_ID
 */
import type { Api } from 'bridgeport-storage/api';
import { hc } from 'hono/client';

const { BRIDGEPORT_URL: url, BRIDGEPORT_TOKEN: token } = process.env;
const [databaseId] = process.argv.slice(2);
if (url === undefined || token === undefined || databaseId === undefined) {
  fail('Set BRIDGEPORT_URL and BRIDGEPORT_TOKEN, and name the database by its id: back-up.ts DATABASE_ID');
}
const { api } = hc<Api>(url, { headers: { Authorization: `Bearer ${token}` } });

/** The most that one answer waits for; asked again after it. */
const WAIT = '600';

// Each of the answers has the type of its status: a backup where it is `ok`, code and message of a refusal where it is not.
const asked = await api.databases[':id'].backups.$post({ param: { id: databaseId }, query: { wait: WAIT } });
if (!asked.ok) fail(await reason(asked));
const { backupId } = await asked.json();

const backup = await untilEnded(backupId);
if (backup.status !== 'completed') fail(`The backup is ${backup.outcome ?? backup.status}: ${backup.error}`);

const manifest = await api.backups[':id'].manifest.$get({ param: { id: backupId } });
if (!manifest.ok) fail(await reason(manifest));
console.log(JSON.stringify({ backupId, bytes: backup.size, manifest: await manifest.json() }, null, 2));

async function untilEnded(id: string) {
  for (;;) {
    const answer = await api.backups[':id'].$get({ param: { id }, query: { wait: WAIT } });
    if (!answer.ok) fail(await reason(answer));
    const { backup } = await answer.json();
    if (backup.status === 'completed' || backup.status === 'failed') return backup;
    // Too many wait at once, or it goes on: after a second.
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

async function reason(refused: {
  readonly status: number;
  json(): Promise<{ readonly code?: string; readonly message?: string }>;
}): Promise<string> {
  // A question that wants a `confirm` is no failure, and has neither.
  const { code = 'QUESTION', message = 'it asks to be confirmed' } = await refused.json();
  return `${refused.status} ${code}: ${message}`;
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
