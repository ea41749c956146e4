import * as z from 'zod';
import type { BackupStep } from '../db/schema.ts';
import { isAppError, toAppError } from '../errors.ts';

/** What a failed backup tells: the wire's `error`, as the object that the row keeps as JSON text. */
export interface BackupError {
  readonly message: string;
  readonly step: BackupStep;
  readonly code: string;
  readonly stderr?: string;
  readonly exitCode?: number;
}

/** The error for the row, from whatever a step threw. Carries no command line and no secret. */
export function describeFailure(error: unknown, step: BackupStep): BackupError {
  const known = toAppError(error);
  const { stderr, exitCode } = known.details;
  return {
    message: known.message,
    step,
    code: known.code,
    ...(stderr === undefined || stderr.trim() === '' ? {} : { stderr }),
    ...(typeof exitCode === 'number' ? { exitCode } : {}),
  };
}

/** A step of a backup as its run's row keeps it. */
export function toBackupStep(text: string | null): BackupStep | null {
  return STEPS.find((step) => step === text) ?? null;
}

const STEPS: readonly BackupStep[] = ['connect', 'dump', 'upload', 'verify'];

/** The outcome that an error means for the row. */
export function outcomeOf(error: unknown): 'cancelled' | 'interrupted' | 'uncertain' | 'failed' {
  if (isAppError(error, 'cancelled')) return 'cancelled';
  if (isAppError(error, 'shutdown', 'superseded')) return 'interrupted';
  if (isAppError(error, 'storage_uncertain')) return 'uncertain';
  return 'failed';
}

const storedError = z.object({
  message: z.string(),
  step: z.enum(['connect', 'dump', 'upload', 'verify']).catch('connect'),
  code: z.string().catch('internal'),
  stderr: z.string().optional().catch(undefined),
  exitCode: z.number().optional().catch(undefined),
});

/** A backup's `error`, as rows keep it; null where there is none, or where it is none of ours. */
export function readBackupError(text: string | null): BackupError | null {
  if (text === null) return null;
  const parsed = storedError.safeParse(JSON.parse(text));
  if (!parsed.success) return null;
  const { message, step, code, stderr, exitCode } = parsed.data;
  return {
    ...{ message, step, code },
    ...(stderr === undefined ? {} : { stderr }),
    ...(exitCode === undefined ? {} : { exitCode }),
  };
}
