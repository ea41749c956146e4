import { type Kysely, sql } from 'kysely';

/**
 * Indexes for what the overview and the weekly report tell of proofs: the last that was proven, what ended in a week, and events of one
 * type. Each was a look at a row of every database, at all drills of a week, or at all events of one.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index drill_states_proven on drill_states (proven_at) where proven_at is not null`.execute(
    db,
  );
  await db.schema.createIndex('drills_ended').on('drills').columns(['ended_at', 'outcome']).execute();
  await db.schema.createIndex('events_of_type').on('events').columns(['type', 'created_at']).execute();
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const index of ['events_of_type', 'drills_ended', 'drill_states_proven']) {
    await db.schema.dropIndex(index).execute();
  }
}
