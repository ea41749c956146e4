import { AppError, type ErrorCode, isAppError } from '../../errors.ts';
import type { Host } from '../../hosts/host.ts';
import type { HostPath } from './path.ts';
import { MISSING, TAKEN, WRONG_SIZE } from './scripts.ts';

/** The failure of a script of `host-scripts.ts` as an error about its file; any other error as it is. */
export function translate(error: unknown, host: Host, path: string): unknown {
  if (!isAppError(error, 'host_command')) return error;
  const stderr = typeof error.details.stderr === 'string' ? error.details.stderr.trim() : '';
  const say = (code: ErrorCode, what: string) =>
    new AppError(code, `${path} on ${host.label}: ${what}`, { cause: error, details: { stderr } });
  const exitCode = error.details.exitCode;
  if (exitCode === TAKEN) return say('storage_exists', 'something of that name is there already.');
  if (exitCode === MISSING) return missing(host, path);
  if (exitCode === WRONG_SIZE) {
    return say('storage_mismatch', 'the written file has another size than what was sent; it was not kept.');
  }
  if (/No space left|quota exceeded/i.test(stderr)) {
    return say('storage_full', 'the disk is full. Free space there, or choose another folder.');
  }
  if (/File too large/i.test(stderr)) {
    return say('storage_too_large', 'the file system takes no file of that size.');
  }
  if (/Permission denied|Operation not permitted|Read-only file system/i.test(stderr)) {
    return say(
      'storage_denied',
      `the user that commands run as may not do that there (${stderr}). Give it the folder, or choose another.`,
    );
  }
  return say('storage_refused', stderr === '' ? error.message : stderr);
}

/** Whether a signal ended the command or the shell that ran it, so that nothing is known of how far it came. */
export function wasKilled(error: unknown): boolean {
  if (!isAppError(error) || !isAppError(error.cause, 'host_command')) return false;
  const { exitCode, exitSignal } = error.cause.details;
  return typeof exitSignal === 'string' || (typeof exitCode === 'number' && exitCode > 128);
}

export function stalledDisk(host: Host, partial: string, ms: number): AppError {
  return new AppError(
    'host_timeout',
    `${host.label} has written nothing more to ${partial} for ${ms / 1000} s. Look at that disk or mount.`,
  );
}

export function missing(host: Host, path: string): AppError {
  return new AppError('storage_missing', `There is no file ${path} on ${host.label}.`);
}

export function uncertain(host: Host, target: HostPath, partial: string, cause: unknown): AppError {
  return new AppError(
    'storage_uncertain',
    `The connection to ${host.label}, or the shell there, was lost while ${target.path} was made final; whether it is there is not known yet.`,
    { cause, details: { uploadId: partial } },
  );
}
