import type { Db } from '../db/schema.ts';

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
