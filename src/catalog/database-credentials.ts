import * as z from 'zod';
import type { Vault } from '../secrets/vault.ts';

/** Both empty clears them; one given keeps the other; none given keeps both. */
export async function sealCredentials(
  vault: Vault,
  id: string,
  stored: string | null,
  change: { readonly username?: string | null | undefined; readonly password?: string | null | undefined },
): Promise<string | null> {
  if (change.username === undefined && change.password === undefined) return stored;
  const identity = `database:${id}:credentials`;
  const isComplete = change.username !== undefined && change.password !== undefined;
  const before =
    stored === null || isComplete
      ? { username: null, password: null }
      : credentials.parse(JSON.parse(await vault.open(stored, identity)));
  const after = {
    username: change.username === undefined ? before.username : change.username || null,
    password: change.password === undefined ? before.password : change.password || null,
  };
  if (after.username === null && after.password === null) return null;
  return vault.seal(JSON.stringify(after), identity);
}

const credentials = z.object({ username: z.string().nullable(), password: z.string().nullable() });
