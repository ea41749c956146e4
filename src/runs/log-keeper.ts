import * as z from 'zod';
import type { Db, RunRow } from '../db/schema.ts';
import type { Log, LogLevel } from '../log.ts';
import { createRunLog, detailsOf, readRunLog } from './run-log.ts';
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

const BEGAN = 'began';
const stepMessage = (step: string) => `step: ${step}`;

interface TimedStep {
  readonly step: string;
  /** Since the run was begun, here. */
  readonly afterMs: number;
}

/** Of a run as it was claimed; of one that is not begun here, a repair, what is told stands where it happened. */
export async function createLogKeeper(
  { db, log, now, uptimeMs }: KeeperContext,
  run: Pick<RunRow, 'id' | 'state' | 'started_at'>,
): Promise<LogKeeper> {
  const read = await storedLog(db, run.id).catch(lost('could not be read'));
  const stored = read ?? '';
  let isRead = read !== undefined;
  let lines = createRunLog(stored);
  let begunAt: Date | undefined;
  let begunMs = uptimeMs();
  const seen: TimedStep[] = [];
  let isNew = false;
  let keptMs = begunMs;
  let keeping: Promise<void> | undefined;

  function lost(what: string) {
    return (error: unknown): undefined => {
      log.warn(`the log of a run ${what}`, { runId: run.id, error });
    };
  }

  function add(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>, at = now()) {
    lines.add({ at: at.toISOString(), level, message, details: detailsOf(fields) });
    isNew = true;
  }

  async function keep(): Promise<void> {
    isNew = false;
    keptMs = uptimeMs();
    await save().catch(lost('could not be kept with it'));
  }

  /** Behind what it said before, which is asked for again where it could not be read: it must not be written over. */
  async function save(): Promise<void> {
    if (!isRead) {
      const earlierLines = await storedLog(db, run.id);
      lines = createRunLog(`${earlierLines}\n${lines.text()}`);
      isRead = true;
    }
    await saveLog(db, run.id, lines.text());
  }

  async function addEnd(): Promise<void> {
    const row = await endOf(db, run.id);
    if (row === null || row.state === run.state) return;
    const { at, told } = begunAt === undefined ? earlier(stored, run) : { at: begunAt, told: [] };
    for (const { step, afterMs } of row.steps.length > 0 ? row.steps : seen) {
      const message = stepMessage(step);
      if (!told.includes(message)) add('info', message, {}, new Date((at ?? now()).getTime() + afterMs));
    }
    // How long a run took that died is known to nobody.
    const seconds = begunAt === undefined ? null : Number(((uptimeMs() - begunMs) / 1000).toFixed(1));
    const level = row.state === 'completed' || row.state === 'pending' ? 'info' : 'warn';
    const message = row.state === 'pending' ? 'waits to be begun again' : row.state;
    add(level, message, { seconds, says: row.failure?.message, stderr: row.failure?.stderr });
  }

  return {
    add,
    begin(fields) {
      [begunAt, begunMs] = [now(), uptimeMs()];
      add('info', BEGAN, fields, begunAt);
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

/** When a run was begun that is repaired, and what is in its log since then: of an earlier time that it was begun, nothing. */
function earlier(stored: string, { started_at: startedAt }: Pick<RunRow, 'started_at'>) {
  const lines = readRunLog(stored).filter(({ at }) => at >= (startedAt ?? ''));
  const began = lines.findLast(({ message }) => message === BEGAN)?.at ?? startedAt;
  return {
    at: began === null ? null : new Date(began),
    told: lines.filter(({ at }) => at >= (began ?? '')).map(({ message }) => message),
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
