import type { DrillFailure } from '../db/schema.ts';
import { isAppError, toAppError } from '../errors.ts';

/** The classes in which a drill fails, as people read them. */
export const DRILL_FAILURES: Readonly<Record<DrillFailure, string>> = {
  damaged: 'the backup is damaged',
  extension: 'the server lacks an extension',
  role: 'a role is missing',
  version: 'the versions do not fit',
  other: 'another cause',
};

/**
 * Why a drill failed. `damaged` is a suspicion: what was read differed once, which a fault on the way does too. All others say
 * nothing of the backup.
 */
export function drillFailureOf(error: unknown): DrillFailure {
  const { details, code } = toAppError(error);
  if (details.obstacle !== undefined) return details.obstacle;
  return code === 'storage_mismatch' || code === 'dump_incomplete' || isAppError(error, 'storage_missing')
    ? 'damaged'
    : 'other';
}

/** What is told of it: the message, and what the program printed where it says more. */
export function wordsOf(error: unknown): string {
  const { message, details } = toAppError(error);
  const printed = details.stderr?.trim() ?? '';
  return printed === '' || message.includes(printed) ? message : `${message}\n${printed.slice(0, MOST)}`;
}

const MOST = 2000;
