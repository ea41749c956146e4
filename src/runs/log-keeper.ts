import * as z from 'zod';
import type { Db, RunRow } from '../db/schema.ts';
import type { Log, LogLevel } from '../log.ts';
import { createRunLog, detailsOf } from './run-log.ts';
import { saveLog, storedLog } from './stored-log.ts';

export interface KeeperContext {
  readonly db: Db;
  readonly log: Log;
  readonly now: () => Date;
  /** As of the services. */
  readonly uptimeMs: () => number;
}

/** Keeps what one run says. Nothing of it throws. */
export interface LogKeeper {
  /** Its run begins now, which repairs do not. */
  begin(fields: Readonly<Record<string, unknown>>): void;
  add(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>): void;
  /** At which step the run is by now. What it has said is kept every few seconds, beside it. */
  at(step: string): void;
  /** Adds its steps and how it ended, if it did, and keeps all of it. */
  end(): Promise<void>;
}

/** So often what a run says is kept while it goes on, at most. */
const KEEP_EVERY_MS = 5_000;

interface TimedStep {
  readonly step: string;
  /** Since the run was begun, here. */
  readonly afterMs: number;
}

/** Of a run as it was claimed. */
export async function createLogKeeper(
  { db, log, now, uptimeMs }: KeeperContext,
  run: Pick<RunRow, 'id' | 'state'>,
): Promise<LogKeeper> {
  let [begunAt, begunMs] = [now(), uptimeMs()];
  const lines = createRunLog(await storedLog(db, run.id).catch(lost('could not be read')));
  const seen: TimedStep[] = [];
  let isNew = false;
  let keptMs = begunMs;
  let keeping: Promise<void> | undefined;

  function lost(what: string) {
    return (error: unknown): string => {
      log.warn(`the log of a run ${what}`, { runId: run.id, error });
      return '';
    };
  }

  function add(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>, at = now()) {
    lines.add({ at: at.toISOString(), level, message, details: detailsOf(fields) });
    isNew = true;
  }

  async function keep(): Promise<void> {
    isNew = false;
    keptMs = uptimeMs();
    await saveLog(db, run.id, lines.text()).catch(lost('could not be kept with it'));
  }

  async function addEnd(): Promise<void> {
    const row = await endOf(db, run.id);
    if (row === null || row.state === run.state) return;
    for (const { step, afterMs } of row.steps.length > 0 ? row.steps : seen) {
      add('info', `step: ${step}`, {}, new Date(begunAt.getTime() + afterMs));
    }
    const seconds = Number(((uptimeMs() - begunMs) / 1000).toFixed(1));
    const level = row.state === 'completed' || row.state === 'pending' ? 'info' : 'warn';
    const message = row.state === 'pending' ? 'waits to be begun again' : row.state;
    add(level, message, { seconds, says: row.failure?.message, stderr: row.failure?.stderr });
  }

  return {
    add,
    begin(fields) {
      [begunAt, begunMs] = [now(), uptimeMs()];
      add('info', 'began', fields, begunAt);
    },
    at(step) {
      if (seen.at(-1)?.step !== step) seen.push({ step, afterMs: Math.round(uptimeMs() - begunMs) });
      if (!isNew || keeping !== undefined || uptimeMs() - keptMs < KEEP_EVERY_MS) return;
      keeping = keep().finally(() => {
        keeping = undefined;
      });
    },
    async end() {
      await keeping;
      await addEnd().catch(lost('could not be ended'));
      if (isNew) await keep();
    },
  };
}

const said = z.object({
  steps: z.array(z.object({ step: z.string(), afterMs: z.number() })).default([]),
  message: z.string().optional(),
  stderr: z.string().optional(),
});

/** What the row of a run says by now; `steps` where its kind has timed them. Null where it is gone. */
async function endOf(db: Db, runId: string) {
  const row = await db
    .selectFrom('runs')
    .select(['state', 'detail', 'error'])
    .where('id', '=', runId)
    .executeTakeFirst();
  if (row === undefined) return null;
  const parse = (text: string | null) => said.safeParse(JSON.parse(text ?? '{}')).data;
  return {
    state: row.state,
    steps: parse(row.detail)?.steps ?? [],
    failure: parse(row.error),
  };
}
