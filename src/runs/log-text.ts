import * as z from 'zod';
import type { RunLogLine } from './run-log.ts';

/**
 * A run's log as a file of text, a line each, and below it what went wrong with all that the tool printed. `error` as its row keeps
 * it; `damage`: what was found wrong later with what it made. What a host has printed can do nothing to the terminal that it is read in.
 */
export function logText(
  lines: readonly RunLogLine[],
  { error, damage }: { readonly error: string | null; readonly damage: string | null },
): string {
  const said = lines.map(({ at, level, message, details }) =>
    [at, level.padEnd(5), message, details].filter((text) => text !== '').join(' '),
  );
  const { message = damage, stderr } = failureIn(error);
  const parts = [
    said.map(indented).join('\n'),
    ...(message === null ? [] : [`What went wrong:\n${message}`]),
    ...(stderr === undefined ? [] : [`What the tool printed:\n${stderr}`]),
  ];
  const text = parts.filter((part) => part !== '').join('\n\n');
  return text === '' ? 'Nothing is kept of what this run said.\n' : `${text.replaceAll(CONTROL, '\uFFFD')}\n`;
}

/** Line breaks within what was said don't look like lines of their own. */
const indented = (line: string) => line.replaceAll(/\r?\n/g, '\n    ');

const CONTROL = /[^\P{Cc}\n\t]/gu;

const failure = z.object({ message: z.string().optional(), stderr: z.string().optional() });

function failureIn(error: string | null): z.infer<typeof failure> {
  if (error === null) return {};
  try {
    return failure.catch({}).parse(JSON.parse(error));
  } catch {
    return {};
  }
}
