import { sql } from 'kysely';
import type { Db } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError, isAppError } from '../errors.ts';
import { SEALED_COLUMNS, type SealedColumn } from './sealed.ts';
import type { Vault } from './vault.ts';

export interface Resealed {
  /** Sealed anew now. */
  readonly resealed: number;
  /** Sealed with the present key before. */
  readonly already: number;
}

const ROUNDS = 5;

/**
 * Seals every secret anew with the vault's present key. All are opened and sealed first; then one transaction replaces
 * each that is unchanged, all or nothing. A running app may go on meanwhile: what it changes between makes this begin
 * again. Throws `secret_unreadable`, with nothing changed, where a key is missing; `conflict` when it never came to rest.
 */
export async function resealAll(db: Db, vault: Vault): Promise<Resealed> {
  for (let round = 1; ; round += 1) {
    const secrets = await readSecrets(db);
    const anew = await sealAnew(vault, secrets);
    try {
      await replace(db, anew);
      return { resealed: anew.length, already: secrets.length - anew.length };
    } catch (error) {
      if (!isAppError(error, 'conflict') || round === ROUNDS) throw error;
    }
  }
}

/** Opens every secret. Throws `secret_unreadable` for the first that these keys don't open. */
export async function openAll(db: Db, vault: Vault): Promise<void> {
  for (const { place, id, sealed } of await readSecrets(db)) await vault.open(sealed, place.identity(id));
}

interface Secret {
  readonly place: SealedColumn;
  readonly id: string;
  readonly sealed: string;
}

async function readSecrets(db: Db): Promise<readonly Secret[]> {
  const found: Secret[] = [];
  for (const place of SEALED_COLUMNS) {
    const column = sql.ref(place.column);
    const { rows } = await sql<{ id: string; sealed: string }>`
      select id, ${column} as sealed from ${sql.table(place.table)} where ${column} is not null`.execute(db);
    found.push(...rows.map(({ id, sealed }) => ({ place, id, sealed })));
  }
  return found;
}

/** Those that need it. Every one is opened, also those of the present key: a damaged one must be known before. */
async function sealAnew(vault: Vault, secrets: readonly Secret[]) {
  const anew: (Secret & { readonly anew: string })[] = [];
  for (const secret of secrets) {
    const identity = secret.place.identity(secret.id);
    const plain = await vault.open(secret.sealed, identity);
    if (vault.isPresent(secret.sealed)) continue;
    anew.push({ ...secret, anew: await vault.seal(plain, identity) });
  }
  return anew;
}

async function replace(db: Db, secrets: readonly (Secret & { readonly anew: string })[]): Promise<void> {
  await write(db, async (trx) => {
    for (const { place, id, sealed, anew } of secrets) {
      const column = sql.ref(place.column);
      const { numAffectedRows } = await sql`
        update ${sql.table(place.table)} set ${column} = ${anew} where id = ${id} and ${column} = ${sealed}`.execute(
        trx,
      );
      if (numAffectedRows !== 1n) {
        throw new AppError('conflict', 'Secrets were changed while they were sealed anew. Try again.');
      }
    }
  });
}
