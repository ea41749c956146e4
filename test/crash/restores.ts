import { setTimeout as pause } from 'node:timers/promises';
import { createRandom, createVerdict, pick, type Verdict } from '../attack/verdict.ts';
import type { Json } from '../support/installation.ts';
import { DATABASE, openField } from './field.ts';
import { prepareRestores, type RestoreGround, ROWS } from './restore-ground.ts';

export interface KillOptions {
  readonly kills: number;
  readonly installations: number;
  readonly seed: number;
}

/** Of one kind: how many were killed, and how their runs ended. */
export type Killed = Record<string, { killed: number; twice: number; ends: Record<string, number> }>;

/**
 * Kills installations side by side at random instants of restores, verifications and drills, a fifth of them once more while it repairs
 * that, and looks after the next start whether each has ended as it should.
 */
export async function killRestores(
  { kills, installations, seed }: KillOptions,
  verdict: Verdict,
): Promise<Killed> {
  const startedAt = performance.now();
  const names = Array.from({ length: installations }, (_, index) => `restores-${index + 1}`);
  const killed: Killed = {};
  const field = await openField(names);
  try {
    let left = kills;
    const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
    const databases = names.map((_, index) => `${DATABASE} ${index + 1}`);
    for (const database of databases) {
      await field.postgres.query(`CREATE DATABASE ${quoted(database)} TEMPLATE ${quoted(DATABASE)}`);
    }
    await Promise.all(
      databases.map(async (database, index) => {
        const name = names[index] ?? '';
        const ground = await prepareRestores(field, name, { database, formats: ['plain', 'custom'] });
        const random = createRandom(seed + index);
        const undisturbed = await timesOf(ground, field.postgres);
        while (left > 0) {
          left -= 1;
          const kind = pick(random, KINDS) ?? 'restore';
          const counts = killed[kind] ?? { killed: 0, twice: 0, ends: {} };
          killed[kind] = counts;
          const isTwice = random() < 0.2 && left > 0;
          const at = { ms: random() * 1.1 * (undisturbed[kind] ?? 1_000), againMs: random() * 7_000 };
          const round = await begin(ground, kind, random, field.postgres);
          await pause(at.ms);
          await ground.killAndStart();
          counts.killed += 1;
          if (isTwice) {
            left -= 1;
            await pause(at.againMs);
            await ground.killAndStart();
            counts.twice += 1;
          }
          const state = await round.end(verdict);
          counts.ends[state] = (counts.ends[state] ?? 0) + 1;
          const seconds = Math.round((performance.now() - startedAt) / 1000);
          console.log(
            `${name}: ${kind} at ${Math.round(at.ms)} ms${isTwice ? ', twice' : ''}: ${state}; ${seconds} s, ${verdict.failed} failed`,
          );
        }
        await ground.close();
      }),
    );
  } finally {
    await field.close();
  }
  return killed;
}

const KINDS = ['restore', 'verification', 'drill', 'in place'] as const;
type Kind = (typeof KINDS)[number];

interface Server {
  query(sql: string, database?: string): Promise<readonly Record<string, unknown>[]>;
  dropDatabase(name: string): Promise<void>;
}

interface Round {
  /** Waits for the end of its run, looks at what is there, and puts all back; gives how the run ended. */
  end(verdict: Verdict): Promise<string>;
}

/** How long each takes that nobody kills, in milliseconds. */
async function timesOf(ground: RestoreGround, server: Server): Promise<Record<string, number>> {
  const times: Record<string, number> = {};
  const verdict = createVerdict();
  for (const kind of KINDS) {
    const begunAt = performance.now();
    const round = await begin(ground, kind, () => 0, server);
    const state = await round.end(verdict);
    if (state !== 'completed') throw new Error(`${kind}, which nobody disturbed, ended ${state}`);
    times[kind] = performance.now() - begunAt;
  }
  return times;
}

async function begin(
  ground: RestoreGround,
  kind: Kind,
  random: () => number,
  server: Server,
): Promise<Round> {
  const backupId = pick(random, ground.backups) ?? '';
  if (kind === 'verification') return verifying(ground, backupId);
  if (kind === 'drill') return drilling(ground, backupId);
  if (kind === 'in place') return replacing(ground, server);
  return restoring(ground, backupId, server);
}

/** The whole database is there under its name, or nothing of it. */
async function restoring(ground: RestoreGround, backupId: string, server: Server): Promise<Round> {
  const newName = `${ground.name} ü"😀'`;
  const runId = await ground.ask('restore', backupId, { newName });
  return {
    async end(verdict) {
      const state = await ground.endOf(runId);
      const isThere = (await ground.databases()).includes(newName);
      const rows = isThere ? await ground.rowsOf(newName) : 0;
      const details = { state, isThere, rows, run: await ground.runOf(runId) };
      verdict.check('a restore is whole or gone', isThere === (state === 'completed'), details);
      verdict.check('a restore has all rows', !isThere || rows === ROWS, details);
      await nothingNameless(ground, verdict, details);
      if (isThere) await server.dropDatabase(newName);
      return state;
    },
  };
}

/** It changes nothing, so that it is begun again until it has read all. */
async function verifying(ground: RestoreGround, backupId: string): Promise<Round> {
  const runId = await ground.ask('verify', backupId);
  return {
    async end(verdict) {
      const state = await ground.endOf(runId);
      const backup = (await ground.app().ask('GET', `/api/backups/${backupId}`))['backup'] as Json;
      const details = { state, verification: backup['verification'], run: await ground.runOf(runId) };
      verdict.check('a verification comes to its end', state === 'completed', details);
      verdict.check('a good backup stays one', backup['verification'] !== 'failed', details);
      return state;
    },
  };
}

/** Nothing of it stays, and what it had said before stays said. */
async function drilling(ground: RestoreGround, backupId: string): Promise<Round> {
  const before = (await ground.databases()).filter((name) => !/^bp_(drill|restore)_/.test(name));
  const runId = await ground.ask('drill', backupId);
  return {
    async end(verdict) {
      const state = await ground.endOf(runId);
      const run = await ground.runOf(runId);
      const outcome = String((run['drill'] as Json)['outcome']);
      const details = { state, run };
      const isSaid = outcome === (state === 'completed' ? 'proven' : 'interrupted');
      verdict.check('a drill says what came of it', isSaid, details);
      const present = await ground.databases();
      const missing = before.filter((name) => name.includes(ground.database) && !present.includes(name));
      verdict.check('a drill touches nothing else', missing.length === 0, missing);
      await nothingNameless(ground, verdict, details);
      return state;
    },
  };
}

/** The name is of the one or of the other, whole; the other one is kept, or gone where it never had the name. */
async function replacing(ground: RestoreGround, server: Server): Promise<Round> {
  const { database, registered, backups } = ground;
  await server.query('DELETE FROM noise WHERE n <= 100', database);
  const body = { inPlace: true, confirm: registered, safetyBackup: false };
  const runId = await ground.ask('restore', backups[0] ?? '', body);
  return {
    async end(verdict) {
      const state = await ground.endOf(runId);
      const run = await ground.runOf(runId);
      const kept = ((run['restore'] as Json)['kept'] as Json | null)?.['name'];
      const rows = await ground.rowsOf(database);
      const details = { state, rows, run };
      const isDone = state === 'completed';
      verdict.check('the name is of one of the two', rows === (isDone ? ROWS : ROWS - 100), details);
      verdict.check('what was replaced is kept', (kept !== undefined) === isDone, details);
      await nothingNameless(ground, verdict, details);
      if (typeof kept === 'string') {
        verdict.check('what is kept is as it was', (await ground.rowsOf(kept)) === ROWS - 100, details);
        await ground.app().ask('POST', `/api/restores/${runId}/drop-kept`, { confirm: kept });
        verdict.check('what is kept can be dropped', !(await ground.databases()).includes(kept), kept);
      } else {
        const text = 'md5(random()::text) || md5(random()::text)';
        await server.query(`INSERT INTO noise SELECT n, ${text} FROM generate_series(1, 100) n`, database);
      }
      return state;
    },
  };
}

async function nothingNameless(ground: RestoreGround, verdict: Verdict, details: unknown): Promise<void> {
  const left = await ground.nameless();
  verdict.check('nothing without a name is left', left.length === 0, { left, details });
}
