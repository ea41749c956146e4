import { setTimeout as pause } from 'node:timers/promises';
import { createRandom, pick, type Verdict } from '../attack/verdict.ts';
import { DATABASE, openField } from './field.ts';
import { prepareRestores } from './restore-ground.ts';
import { begin, KINDS, prepareFile, prepareLive, quoted, timesOf } from './restore-rounds.ts';

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
    const databases = names.map((_, index) => `${DATABASE} ${index + 1}`);
    for (const database of databases) {
      await field.postgres.query(`CREATE DATABASE ${quoted(database)} TEMPLATE ${quoted(DATABASE)}`);
    }
    await Promise.all(
      databases.map(async (database, index) => {
        const name = names[index] ?? '';
        const made = await prepareRestores(field, name, { database, formats: ['plain', 'custom'] });
        const ground = {
          ...made,
          live: await prepareLive(field, made),
          file: await prepareFile(field, made),
        };
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
