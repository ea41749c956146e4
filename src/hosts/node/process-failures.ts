/** What is said of a command on a host that did not end as it should; `label` names the host. */
import { AppError, isAppError } from '../../errors.ts';
import { inBrief } from './kept-stderr.ts';

export function cancelled(label: string, reason: unknown): AppError {
  if (isAppError(reason)) return reason;
  return new AppError('cancelled', `The command on ${label} was cancelled.`, { cause: reason });
}

export function idle(label: string, timeoutMs: number): AppError {
  return new AppError(
    'host_timeout',
    `The command on ${label} sent nothing for ${timeoutMs / 1000} s and was ended.`,
    { details: { idleTimeoutMs: timeoutMs, isSilent: true } },
  );
}

export function silentStart(label: string, timeoutMs: number, printed: string): AppError {
  const said = printed.trim() === '' ? '' : ` They printed: ${inBrief(printed.trim())}`;
  return new AppError(
    'host_unreachable',
    `${label}: the log-in worked, but no command of ours had started after ${timeoutMs / 1000} s. The start-up files of the login shell there (~/.bashrc, ~/.profile, …) seem to wait for input, or for a program that they start; or the server forces another command (ForceCommand). Let the files do so only in a terminal, such as by [ -t 0 ] || return before it.${said}`,
  );
}

export function endless(label: string, timeoutMs: number): AppError {
  return new AppError(
    'host_timeout',
    `The command on ${label} closed its output, but its end was not heard of for another ${timeoutMs / 1000} s. Look there for a program that it left running in the background and that holds its stderr.`,
    { details: { idleTimeoutMs: timeoutMs } },
  );
}

export function flooded(label: string): AppError {
  return new AppError(
    'host_dropped',
    `${label} sent more than it was asked for, which no proper SSH server does, so its command was given up. Look at what answers on that port.`,
  );
}

export function endlessGreeting(label: string): AppError {
  return new AppError(
    'host_unreachable',
    `${label} accepted the log-in, but its login shell printed more than 64 KiB before the command could start. Silence its start-up files for sessions without a terminal.`,
  );
}

export function failedCommand(
  label: string,
  { exitCode, exitSignal }: { exitCode: number | null; exitSignal: string | null },
  stderr: string,
): AppError {
  const how = exitSignal
    ? `was ended by signal ${exitSignal}`
    : exitCode === 0
      ? 'was not started, though the host reported success'
      : `failed with exit status ${exitCode}${exitCode !== null && exitCode > 128 ? ` (signal ${exitCode - 128})` : ''}`;
  const said = stderr.trim() === '' ? 'It printed no reason.' : `It printed: ${inBrief(stderr.trim())}`;
  return new AppError('host_command', `The command on ${label} ${how}. ${said}`, {
    details: { exitCode, exitSignal, stderr },
  });
}
