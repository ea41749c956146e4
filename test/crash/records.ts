import { join } from 'node:path';
import Database from 'better-sqlite3';
import { parseCron } from '../../src/schedules/cron.ts';
import { runsBetween } from '../../src/schedules/next-run.ts';

/** What an installation has written down, read beside it. */
export interface Records {
  readonly completed: readonly { readonly id: string; readonly key: string; readonly sha256: string }[];
  /** Keys of what is still to be removed, or whose outcome is not known yet. */
  readonly open: readonly string[];
  /** Runs and backups that are not over, and deleted ones that are not gone, by what they are. */
  readonly going: readonly string[];
  /** What is wrong with the lines of slots. */
  readonly wrongSlots: readonly string[];
  readonly slots: number;
  readonly ran: number;
  readonly pruned: number;
  /** Why backups failed, each reason once. */
  readonly failures: readonly string[];
}

export function readRecords(folder: string): Records {
  const db = new Database(join(folder, 'bridgeport.sqlite'), { readonly: true });
  try {
    // One moment of all tables.
    return db.transaction(() => recordsIn(db))();
  } finally {
    db.close();
  }
}

function recordsIn(db: Database.Database): Records {
  const all = <Row>(sql: string): readonly Row[] => db.prepare(sql).all() as Row[];
  const plucked = (sql: string) => db.prepare(sql).pluck().all().map(String);
  const { count: pruned } = db
    .prepare(
      "select coalesce(sum(json_array_length(details, '$.pruned')), 0) as count from audit_logs where action = 'backup.rotate'",
    )
    .get() as { count: number };
  return {
    completed: all(`select b.id, o.key, b.sha256 from backups b join backup_objects o on o.backup_id = b.id
      where b.status = 'completed' and b.deleted_at is null`),
    open: plucked(`select key from leftovers union all
      select o.key from backup_objects o join backups b on b.id = o.backup_id
      where b.deleted_at is not null or b.status = 'in_progress' or b.outcome = 'uncertain'`),
    going: plucked(`select kind || ' ' || state from runs where state in ('pending', 'running', 'uncertain')
      union all select 'deleted backup' from backups where deleted_at is not null`),
    ...slotsIn(all),
    failures: plucked(
      `select distinct json_extract(error, '$.code') || ': ' || json_extract(error, '$.message') from backups where status = 'failed'`,
    ),
    pruned,
  };
}

interface LineRow {
  readonly database_id: string;
  readonly due_at: string;
  readonly last_due_at: string;
  readonly slots: number;
  readonly outcome: string;
  readonly backup_id: string | null;
}

/** Each line begins at the slot after the one before it ended, and counts as many as lie within it; after the last the next is due. */
function slotsIn(all: <Row>(sql: string) => readonly Row[]): Pick<Records, 'wrongSlots' | 'slots' | 'ran'> {
  const lines = Map.groupBy(
    all<LineRow>('select * from schedule_slots order by due_at'),
    (line) => line.database_id,
  );
  const wrongSlots: string[] = [];
  const ran: string[] = [];
  let slots = 0;
  const schedules = all<{ database_id: string; time_zone: string; due_at: string; cron_expression: string }>(
    `select w.database_id, w.time_zone, w.due_at, s.cron_expression
     from database_schedules w join schedules s on s.id = w.schedule_id`,
  );
  for (const { database_id: id, time_zone: zone, due_at: dueAt, cron_expression: cron } of schedules) {
    const after = (at: string) =>
      runsBetween(parseCron(cron), zone, {
        after: new Date(at),
        until: new Date(Date.parse(at) + 366 * 86_400_000),
        most: 1,
      })[0]?.toISOString();
    const own = lines.get(id) ?? [];
    for (const [index, line] of own.entries()) {
      const next = own[index + 1]?.due_at ?? dueAt;
      if (after(line.last_due_at) !== next) wrongSlots.push(`after ${line.last_due_at} comes ${next}`);
      const within = runsBetween(parseCron(cron), zone, {
        after: new Date(Date.parse(line.due_at) - 1),
        until: new Date(line.last_due_at),
        most: 100_000,
      });
      if (within.length !== line.slots)
        wrongSlots.push(`${line.due_at} counts ${line.slots}, not ${within.length}`);
      slots += line.slots;
      if (line.outcome === 'ran' || line.outcome === 'caught_up')
        ran.push(line.backup_id ?? `none of ${line.due_at}`);
    }
  }
  if (new Set(ran).size !== ran.length) wrongSlots.push('two slots have the same backup');
  return { wrongSlots, slots, ran: ran.length };
}
