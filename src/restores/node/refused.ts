import type { PreflightCheck } from '../../engines/restore.ts';
import { AppError } from '../../errors.ts';
import type { RunClaim } from '../../runs/claim.ts';
import type { RestoreRunContext } from '../context.ts';
import { recordRestore } from '../restores.ts';

/** Before anybody is signed in to: it would be the wrong one. */
export async function refuseFailed(
  { db }: RestoreRunContext,
  claim: RunClaim,
  checks: readonly PreflightCheck[],
) {
  const failed = checks.filter(({ ok }) => !ok);
  if (failed.length === 0) return;
  await recordRestore(db, claim, { checks: JSON.stringify(checks) });
  throw refused(failed);
}

export function refused(failed: readonly PreflightCheck[]): AppError {
  const why = failed.map(({ name, says }) => `${name}: ${says}`).join(' ');
  const obstacle = failed.find((check) => check.obstacle !== undefined)?.obstacle;
  const details = obstacle === undefined ? {} : { obstacle };
  return new AppError('conflict', `The restore was not begun. ${why}`, { details });
}
