import type { DatabaseRow, Db, ScheduleSlotRow, ServerRow } from '../../src/db/schema.ts';
import { newId } from '../../src/ids.ts';
import { createLog } from '../../src/log.ts';
import type { NewRule, ScheduleInput } from '../../src/schedules/fields.ts';
import { newRule, scheduleInput } from '../../src/schedules/fields.ts';
import { createRule } from '../../src/schedules/rules.ts';
import { createScheduler } from '../../src/schedules/scheduler.ts';
import { putSchedule } from '../../src/schedules/schedules.ts';

const NOBODY = { userId: null, address: null };
const CREATED = '2020-01-01T00:00:00.000Z';

/** An environment with databases and schedules, and the clock of whoever looks at them. */
export interface World {
  readonly db: Db;
  readonly environmentId: string;
  now(): Date;
  /** Lets it be that time. */
  setNow(at: string | number | Date): void;
  server(values?: Partial<ServerRow>): Promise<string>;
  database(values?: Partial<DatabaseRow>): Promise<string>;
  schedule(
    databaseId: string,
    input: Omit<ScheduleInput, 'enabled' | 'retentionDays'> & Partial<ScheduleInput>,
  ): Promise<void>;
  rule(input: Partial<NewRule> & { readonly cronExpression: string }): Promise<string>;
  /** A process of its own that looks at what is due. */
  worker(): (signal?: AbortSignal) => Promise<void>;
  /** Ends what waits and runs. */
  finish(outcome?: 'completed' | 'failed', code?: string): Promise<void>;
  /** `due outcome reason slots` of each line of a database, oldest first. */
  lines(databaseId: string): Promise<readonly string[]>;
  rows(databaseId: string): Promise<readonly ScheduleSlotRow[]>;
  readonly log: readonly string[];
}

export async function openWorld(db: Db, begin: string): Promise<World> {
  let at = new Date(begin);
  const now = () => at;
  const log: string[] = [];
  const environmentId = newId();
  const base = { created_at: CREATED, updated_at: CREATED };
  await db
    .insertInto('environments')
    .values({ id: environmentId, name: 'prod "ü"', ...base } as never)
    .execute();
  let count = 0;
  const world: World = {
    db,
    environmentId,
    now,
    log,
    setNow(to) {
      at = new Date(to);
    },
    async server(values = {}) {
      const id = newId();
      const name = `server ${++count} <b>`;
      await db
        .insertInto('servers')
        .values({
          id,
          environment_id: environmentId,
          name,
          hostname: 'h',
          tags: '[]',
          ...base,
          ...values,
        } as never)
        .execute();
      return id;
    },
    async database(values = {}) {
      const id = newId();
      const name = `shop + ${++count} 😀`;
      const kind = { type: 'sqlite', backup_storage_type: 'local' };
      await db
        .insertInto('databases')
        .values({ id, environment_id: environmentId, name, ...kind, ...base, ...values } as never)
        .execute();
      return id;
    },
    async schedule(databaseId, input) {
      await putSchedule({ db, now }, NOBODY, databaseId, scheduleInput.parse(input));
    },
    async rule(input) {
      const rule = await createRule(
        { db, now },
        NOBODY,
        newRule.parse({ name: `rule ${++count}`, ...input }),
      );
      return rule.id;
    },
    worker: () =>
      createScheduler({
        ...{ db, now, runs: { wake: () => undefined } },
        log: createLog('debug', (line) => log.push(line), now),
      }),
    async finish(outcome = 'completed', code = 'dump_refused') {
      const error = outcome === 'failed' ? JSON.stringify({ message: 'no', step: 'connect', code }) : null;
      await db
        .updateTable('runs')
        .set({ state: outcome, error })
        .where('state', 'in', ['pending', 'running'])
        .execute();
      await db
        .updateTable('backups')
        .set({
          status: outcome,
          outcome,
          error,
          started_at: at.toISOString(),
          completed_at: at.toISOString(),
        })
        .where('status', 'in', ['pending', 'in_progress'])
        .execute();
    },
    async lines(databaseId) {
      return (await world.rows(databaseId)).map(({ due_at: due, outcome, reason, slots }) =>
        [
          due.slice(0, 16),
          outcome,
          ...(reason === null ? [] : [reason]),
          ...(slots === 1 ? [] : [slots]),
        ].join(' '),
      );
    },
    async rows(databaseId) {
      return db
        .selectFrom('schedule_slots')
        .selectAll()
        .where('database_id', '=', databaseId)
        .orderBy('due_at')
        .execute();
    },
  };
  return world;
}
