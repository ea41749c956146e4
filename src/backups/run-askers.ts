import { type RawBuilder, sql } from 'kysely';
import type { Db } from '../db/schema.ts';

/** Who asked for a run: a schedule, a token or a person; `id`: that very one, null: any. */
export type Asker =
  | { readonly kind: 'schedule'; readonly id: null }
  | { readonly kind: 'token' | 'person'; readonly id: string | null };

/**
 * Whether that one asked for a run of a query that joins it as `newest`, and `asked_backup`, `restores` and `drills` by its id. What a person's
 * token asked for is the token's, and that very person's too. Of readings in full, pruning and deep tests nobody is known.
 */
export function isAskedBy({ kind, id }: Asker): RawBuilder<boolean> {
  if (kind === 'schedule') {
    return sql`(asked_backup.type = 'scheduled' or drills.due_at is not null)`;
  }
  const person = sql`coalesce(asked_backup.triggered_by_id, restores.asked_by_id)`;
  if (kind === 'person' && id !== null) return sql`${person} = ${id}`;
  const token = sql`exists (select 1 from token_backups where token_backups.backup_id = asked_backup.id${
    id === null ? sql`` : sql` and token_backups.token_id = ${id}`
  })`;
  return kind === 'token' ? sql`${token}` : sql`(${person} is not null and not ${token})`;
}

/** As they are called; undefined for one that is no more. */
export async function askerName(
  db: Db,
  { kind, id }: { readonly kind: 'token' | 'person'; readonly id: string },
): Promise<string | undefined> {
  if (kind === 'token') {
    const token = await db.selectFrom('api_tokens').select('name').where('id', '=', id).executeTakeFirst();
    return token?.name;
  }
  const user = await db.selectFrom('users').select(['name', 'email']).where('id', '=', id).executeTakeFirst();
  return user === undefined ? undefined : (user.name ?? user.email);
}
