import * as z from 'zod';
import { SEALED } from '../secrets/sealed.ts';
import type { Vault } from '../secrets/vault.ts';

export interface SealedCredentials {
  /** Null: none. */
  readonly sealed: string | null;
  /** Where the password in them comes from. */
  readonly password: 'none' | 'typed' | 'kept' | 'kept for another user';
}

interface CredentialChange {
  readonly username?: string | null | undefined;
  readonly password?: string | null | undefined;
}

/** Both empty clears them; one given keeps the other; none given keeps both. */
export async function sealCredentials(
  vault: Vault,
  id: string,
  stored: string | null,
  change: CredentialChange,
): Promise<SealedCredentials> {
  if (change.username === undefined && change.password === undefined) {
    return { sealed: stored, password: 'kept' };
  }
  const identity = SEALED.databaseCredentials.identity(id);
  const isComplete = change.username !== undefined && change.password !== undefined;
  const before =
    stored === null || isComplete
      ? { username: null, password: null }
      : credentials.parse(JSON.parse(await vault.open(stored, identity)));
  const after = {
    username: change.username === undefined ? before.username : change.username || null,
    password: change.password === undefined ? before.password : change.password || null,
  };
  if (after.username === null && after.password === null) return { sealed: null, password: 'none' };
  return {
    sealed: await vault.seal(JSON.stringify(after), identity),
    password: originOf(change, before.username, after),
  };
}

function originOf(
  change: CredentialChange,
  usernameBefore: string | null,
  after: { readonly username: string | null; readonly password: string | null },
): SealedCredentials['password'] {
  if (after.password === null) return 'none';
  if (change.password !== undefined) return 'typed';
  return after.username === usernameBefore ? 'kept' : 'kept for another user';
}

const credentials = z.object({ username: z.string().nullable(), password: z.string().nullable() });
