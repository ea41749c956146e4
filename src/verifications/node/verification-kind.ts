import { loadStored, type Stored } from '../../backups/stored.ts';
import type { RunRow } from '../../db/schema.ts';
import { write } from '../../db/write.ts';
import { isAppError } from '../../errors.ts';
import { beginAgain, endByError, type Repeatable } from '../../runs/begin-again.ts';
import { endRun, isOwn } from '../../runs/claim.ts';
import type { RunContext, RunKind, RunNote } from '../../runs/kind.ts';
import type { VerifyContext } from '../context.ts';
import { recordProof } from '../record-proof.ts';
import { type FullRead, readInFull } from './read-in-full.ts';

const REPEATABLE: Repeatable = {
  mostAttempts: 3,
  cancelled: 'The verification was cancelled.',
  interrupted: 'The app stopped while the verification ran.',
};

/**
 * The verification of a backup as a kind of run: its object is read in full, hashed, decompressed and followed to the end of
 * the dump. It changes nothing but what is known of the backup, so that one that its app did not survive is begun again.
 */
export function createVerificationKind(context: VerifyContext): RunKind {
  return {
    isLimited: true,
    words: {
      noun: 'verification',
      cancelled: 'The verification was cancelled.',
      stopped: 'The app stops.',
    },
    first: { step: 'reading', progress: 0 },
    run: (run, runContext) => verify(context, run, runContext),
    repair: (run, { claim }) => beginAgain(context, run, claim, REPEATABLE),
  };
}

async function verify(
  context: VerifyContext,
  run: RunRow,
  { claim, signal, follow }: RunContext,
): Promise<void> {
  let note: RunNote = { step: 'reading', progress: 0 };
  follow(() => note);
  const onProgress = (bytes: number, total: number) => {
    const progress = total === 0 ? 0 : Math.min(99, Math.floor((100 * bytes) / total));
    note = { step: 'reading', progress, detail: { bytes, total } };
  };
  let stored: Stored;
  let read: FullRead;
  try {
    stored = await loadStored(context.db, run.subject_id ?? '');
    read = await readSurely(context, stored, signal, onProgress);
  } catch (error) {
    // It says nothing of the backup.
    if (!isAppError(error, 'cancelled', 'superseded', 'shutdown')) {
      context.log.warn('a verification found nothing out', { runId: run.id, error });
    }
    await endByError(context, run, claim, error, REPEATABLE);
    return;
  }
  const { damage } = read;
  if (damage !== null) context.log.error('a backup is damaged', { backupId: stored.backupId, damage });
  await write(context.db, async (trx) => {
    if (!(await isOwn(trx, claim))) return;
    const at = context.now();
    await recordProof(trx, stored, read, at);
    const end =
      damage === null
        ? ({ state: 'completed', error: null, progress: 100 } as const)
        : ({
            state: 'failed',
            error: JSON.stringify({ message: damage, code: 'storage_mismatch' }),
          } as const);
    await endRun(trx, claim, { ...end, at, step: null });
  });
}

/** A backup is condemned by two readings alone: the first one may have met with a fault on its way. */
async function readSurely(
  { openPlace, log }: VerifyContext,
  stored: Stored,
  signal: AbortSignal,
  onProgress: (bytes: number, total: number) => void,
): Promise<FullRead> {
  const { store, close } = await openPlace(stored.place);
  try {
    const options = { signal, onProgress: (bytes: number) => onProgress(bytes, stored.bytes) };
    const first = await readInFull(store, stored, options);
    if (first.damage === null) return first;
    log.warn('a backup looks damaged and is read again', { backupId: stored.backupId, damage: first.damage });
    return await readInFull(store, stored, options);
  } finally {
    await close().catch((error: unknown) =>
      log.warn('a connection of a verification could not be closed', { error }),
    );
  }
}
