import { storageTrouble } from '../backups/storage-trouble.ts';
import type { AppError } from '../errors.ts';
import { isNearlyFull } from '../installation/free-space.ts';
import { opensKeys } from '../secrets/signing-keys.ts';
import type { Services } from '../services-port.ts';

/**
 * Whether backups would work now. Anybody may ask: it tells neither what is stored where nor why something fails, which the
 * overview does.
 */
export interface Readiness {
  /** Something can be saved. */
  readonly database: boolean;
  /** The master key opens what is sealed. */
  readonly masterKey: boolean;
  /** The last backup that was to go to the storage was not kept out by it; true where none was. */
  readonly storage: boolean;
  /** Some room is left in the data folder; true where nobody can tell. */
  readonly disk: boolean;
}

/** So long an answer counts, however often it is asked for. */
const GOOD_FOR_MS = 5_000;

/** `health` says why nothing can be saved, or null. */
export function createReadiness(
  services: Pick<Services, 'db' | 'now' | 'vault' | 'freeSpace'>,
  health: () => Promise<AppError | null>,
): () => Promise<Readiness> {
  let answer: { readonly readiness: Promise<Readiness>; readonly until: number } | undefined;
  return () => {
    if (answer === undefined || performance.now() >= answer.until) {
      answer = { readiness: look(), until: performance.now() + GOOD_FOR_MS };
    }
    return answer.readiness;
  };

  async function look(): Promise<Readiness> {
    const { db, vault } = services;
    const space = await services.freeSpace().catch(() => null);
    return {
      database: (await health()) === null,
      masterKey: await opensKeys(db, vault).catch(() => false),
      storage: await storageTrouble(services).then(
        (trouble) => trouble === null,
        () => false,
      ),
      disk: space === null || !isNearlyFull(space),
    };
  }
}
