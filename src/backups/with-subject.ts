import { sql } from 'kysely';
import { builtOnce } from '../db/built-once.ts';
import { retentionLane } from '../runs/lanes.ts';

const RETENTION = retentionLane('');

/** The database of a run: its backup's; what is about no backup names it in its lane. */
export function databaseOf(lane: 'runs.lane' | 'newest.lane') {
  const named = sql`case when ${sql.ref(lane)} like ${sql.lit(`${RETENTION}%`)} then substr(${sql.ref(lane)}, ${sql.lit(RETENTION.length + 1)}) end`;
  return sql<string>`coalesce(backups.database_id, ${named})`;
}

/** Runs with what they are about. */
export const withSubject = builtOnce((db) =>
  db
    .selectFrom('runs')
    .leftJoin('backups', 'backups.id', 'runs.subject_id')
    .leftJoin('databases', (join) => join.on('databases.id', '=', databaseOf('runs.lane')))
    .leftJoin('environments', 'environments.id', 'databases.environment_id')
    // A backup's run has its id; what it is about was asked for by somebody else.
    .leftJoin('backups as asked_backup', 'asked_backup.id', 'runs.id')
    .leftJoin('restores', 'restores.id', 'runs.id')
    .leftJoin('drills', 'drills.id', 'runs.id')
    // A full read has no row of its own: `person:ID` or `schedule` asked for it.
    .leftJoin('run_askers as reader', (join) =>
      join
        .onRef('reader.run_id', '=', 'runs.id')
        .on('runs.kind', '=', sql.lit('verification'))
        .on('reader.asker', '!=', sql.lit('person')),
    )
    .leftJoin('users', (join) =>
      join.on('users.id', '=', ({ fn }) =>
        fn.coalesce(
          'asked_backup.triggered_by_id',
          'restores.asked_by_id',
          sql<string>`substr(reader.asker, 8)`,
        ),
      ),
    )
    .leftJoin('api_tokens', (join) =>
      join.on('api_tokens.id', '=', (eb) =>
        eb
          .selectFrom('token_backups')
          .select(({ fn }) => fn.min<string>('token_id').as('token_id'))
          .whereRef('token_backups.backup_id', '=', 'asked_backup.id'),
      ),
    )
    .selectAll('runs')
    .select(['backups.filename', 'backups.verification', 'backups.verification_error'])
    .select(['databases.id as database_id', 'databases.name as database_name', 'databases.environment_id'])
    .select(['users.id as person_id', 'api_tokens.id as token_id', 'api_tokens.name as token_name'])
    .select((eb) => [
      'environments.name as environment_name',
      eb.fn.coalesce('users.name', 'users.email').as('person_name'),
      sql<number>`case when asked_backup.type = 'scheduled' or drills.due_at is not null or reader.asker = 'schedule' then 1 else 0 end`.as(
        'is_scheduled',
      ),
    ]),
);
