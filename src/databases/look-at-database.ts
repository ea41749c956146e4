import { readComplaint } from '../engines/complaint.ts';
import type { CommandFailure, Looked } from '../engines/engine.ts';
import { AppError, isAppError } from '../errors.ts';
import type { Host } from '../hosts/host.ts';
import { readShortOutput } from '../hosts/short-output.ts';
import type { OpenedServer } from '../servers/server-access.ts';
import type { DatabasePlans } from './database-target.ts';

/**
 * Looks at the database before its dump: versions and size, and what to warn of unless `isBrief`. Throws what the engine makes of a failure,
 * `host_path_refused` for a file that may not be read, and `password_held` before anything is sent to a machine or a
 * database that the stored password was not given for.
 */
export async function lookAtDatabase(
  { host, address, checkPath }: OpenedServer,
  { look: plan, file, checkTarget }: DatabasePlans,
  options: { signal: AbortSignal; timeoutMs: number; isBrief?: boolean },
): Promise<Looked> {
  checkTarget(address);
  if (file !== null) await checkPath(file);
  const command = (options.isBrief && plan.brief) || plan.command;
  const looking = host.run(command, { signal: options.signal, idleTimeoutMs: options.timeoutMs });
  let answer: string;
  try {
    answer = await readShortOutput(looking, () => tooLong(host));
  } catch (error) {
    throw explainFailure(error, plan, LOOK);
  }
  return plan.read(answer);
}

function tooLong(host: Host): AppError {
  return new AppError(
    'dump_failed',
    `The look at the database on ${host.label} printed far more than a version and a size. Sign in there by hand and see what the shell prints.`,
  );
}

/** What a command was for, and what to do when it was ended for its silence. */
export interface Purpose {
  readonly name: string;
  readonly ifSilent: string;
}

const LOOK: Purpose = {
  name: 'The look at the database',
  ifSilent: 'See on the host whether the database answers, and what keeps it busy.',
};

/** The error of a failed command as the engine explains it; another error as it is. */
export function explainFailure(
  error: unknown,
  plan: { explain(failure: CommandFailure): Error | undefined },
  { name, ifSilent }: Purpose,
  longestPauseMs = 0,
): unknown {
  if (isAppError(error, 'host_timeout') && error.details.isSilent) {
    return new AppError(error.code, `${error.message} ${ifSilent}`, { details: error.details, cause: error });
  }
  if (!isAppError(error, 'host_command')) return error;
  const { exitCode, exitSignal, stderr } = error.details;
  const failure: CommandFailure = {
    exitCode: typeof exitCode === 'number' ? exitCode : null,
    stderr: typeof stderr === 'string' ? stderr : '',
    longestPauseMs,
  };
  const known = plan.explain(failure);
  const details = { ...error.details, ...(isAppError(known) ? known.details : {}) };
  if (isAppError(known)) return new AppError(known.code, known.message, { details, cause: error });
  const ending =
    failure.exitCode === null
      ? `was ended by signal ${String(exitSignal)}`
      : `ended with exit status ${failure.exitCode}`;
  const words = readComplaint(failure.stderr).words || 'it printed no reason.';
  return new AppError('dump_failed', `${name} ${ending}: ${words}`, { details, cause: error });
}
