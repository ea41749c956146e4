import { afterAll, describe, expect, it } from 'vitest';
import { createLog } from '../../src/log.ts';
import type { RunKind } from '../../src/runs/kind.ts';
import { type RunOver, tellingEnds } from '../../src/runs/tell-ends.ts';
import { insertBackup, runOf } from '../support/backup-row.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

afterAll(dropStates);

const NOW = new Date('2026-02-28T23:59:59.999Z');
const WORDS = { noun: 'backup', cancelled: 'It was cancelled.', stopped: 'It was stopped.' };
const CLAIM = { runId: 'x', claimedBy: 'me' };
const NEVER = new AbortController().signal;
const RUNNING = { follow: () => undefined, hold: async () => undefined, keepNote: async () => undefined };

describe.each(STATES)('how runs end, on %s', (state) => {
  it('is told once it is written, of runs and of repairs, and not of those that are not over', async () => {
    const db = await openState(state);
    const log = createLog(
      'error',
      () => undefined,
      () => NOW,
    );
    const backup = await insertBackup(db, NOW, { status: 'in_progress', outcome: null });
    const run = await runOf(db, backup);
    const become = async (values: Partial<typeof run>) => {
      await db.updateTable('runs').set(values).where('id', '=', run.id).execute();
    };
    let becomes: Partial<typeof run> = {};
    const kind: RunKind = {
      ...{ isLimited: true, words: WORDS, first: { step: 'connect', progress: 10 } },
      run: () => become(becomes),
      repair: () => become(becomes),
    };
    const told: RunOver[] = [];
    const { backup: telling } = tellingEnds({ backup: kind }, { db, log }, (over) => told.push(over));
    const context = { claim: CLAIM, signal: NEVER };
    for (const values of [{ state: 'uncertain' }, { state: 'running' }, { state: 'pending' }] as const) {
      becomes = values;
      await telling?.run(run, { ...context, ...RUNNING });
    }
    expect(told).toEqual([]);
    becomes = { state: 'failed', step: 'dump' };
    await telling?.run(run, { ...context, ...RUNNING });
    becomes = { state: 'completed', step: null };
    await telling?.repair(run, context);
    expect(told).toEqual([
      { kind: 'backup', state: 'failed', step: 'dump' },
      { kind: 'backup', state: 'completed', step: null },
    ]);
    await db.destroy();
  });

  it('keeps what a run throws, and harms none where it can’t be told', async () => {
    const db = await openState(state);
    const lines: string[] = [];
    const log = createLog(
      'debug',
      (line) => lines.push(line),
      () => NOW,
    );
    const backup = await insertBackup(db, NOW, { status: 'completed', outcome: 'completed' });
    const run = await runOf(db, backup);
    const kind: RunKind = {
      ...{ isLimited: true, words: WORDS, first: { step: 'connect', progress: 10 } },
      run: async () => undefined,
      repair: async () => {
        throw new Error('its outcome could not be written');
      },
    };
    const telling = tellingEnds({ backup: kind }, { db, log }, () => {
      throw new Error('nobody listens');
    }).backup;
    const context = { claim: CLAIM, signal: NEVER };
    await telling?.run(run, { ...context, ...RUNNING });
    expect(lines.join()).toContain('nobody listens');
    await expect(telling?.repair(run, context)).rejects.toThrow('its outcome could not be written');
    await db.destroy();
  });
});
