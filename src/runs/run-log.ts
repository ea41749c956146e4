import * as z from 'zod';
import { toAppError } from '../errors.ts';
import type { LogLevel } from '../log.ts';

/** What a run said at some instant. */
export interface RunLogLine {
  readonly at: string;
  readonly level: LogLevel;
  readonly message: string;
  /** What is known beside it, as `name=value`. */
  readonly details: string;
}

/** The log of one run, however much it says: its first lines and its last. */
export interface RunLog {
  add(line: RunLogLine): void;
  /** As it is stored: one JSON object a line, whole lines alone, at most 64 KiB. */
  text(): string;
}

const MOST_BYTES = 64 * 1024;
const FIRST_BYTES = 16 * 1024;
/** Of the line that tells what is missing. */
const ROOM_FOR_GAP = 256;
/** Of one line: what a tool printed may be longer. */
const MOST_DETAILS = 2048;
const MOST_MESSAGE = 1024;

/** Goes on behind what the run said before, elsewhere. */
export function createRunLog(earlier = ''): RunLog {
  const first: string[] = [];
  const last: string[] = [];
  let [firstBytes, lastBytes, leftOut] = [0, 0, 0];
  let leftOutAt = '';

  function keep(text: string, at: string): void {
    const bytes = bytesOf(text);
    if (last.length === 0 && firstBytes + bytes <= FIRST_BYTES) {
      first.push(text);
      firstBytes += bytes;
      return;
    }
    last.push(text);
    lastBytes += bytes;
    while (lastBytes > MOST_BYTES - FIRST_BYTES - ROOM_FOR_GAP && last.length > 1) {
      lastBytes -= bytesOf(last.shift() ?? '');
      leftOut += 1;
      if (leftOutAt === '') leftOutAt = at;
    }
  }

  for (const line of readRunLog(earlier)) keep(JSON.stringify(line), line.at);
  return {
    add(line) {
      const { at, level } = line;
      const [message, details] = [cut(line.message, MOST_MESSAGE), cut(line.details, MOST_DETAILS)];
      keep(JSON.stringify({ at, level, message, details }), at);
    },
    text() {
      const gap: RunLogLine = {
        ...{ at: leftOutAt, level: 'info', details: '' },
        message: `${leftOut} lines were left out here`,
      };
      const lines = leftOut === 0 ? [...first, ...last] : [...first, JSON.stringify(gap), ...last];
      return lines.join('\n');
    },
  };
}

const stored = z.object({
  at: z.string(),
  level: z.enum(['debug', 'info', 'warn', 'error']),
  message: z.string(),
  details: z.string(),
});

/** The lines of a stored log, in the order of their instants; what is no line of ours is left out. */
export function readRunLog(text: string): readonly RunLogLine[] {
  const lines = text.split('\n').flatMap((line) => {
    const parsed = stored.safeParse(parseJson(line));
    return parsed.success ? [parsed.data] : [];
  });
  return lines.toSorted((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Fields of the log that every line of a run would have. */
const KNOWN = ['runId', 'backupId'];

/** Fields of the log as `name=value`. Of an error, what it says to people: its causes are for the log of the app alone. */
export function detailsOf(fields: Readonly<Record<string, unknown>>): string {
  return Object.entries(fields)
    .filter(([name]) => !KNOWN.includes(name))
    .flatMap(([name, value]) => {
      const text = valueText(value);
      return text === null ? [] : [`${name}=${text}`];
    })
    .join(' ');
}

function valueText(value: unknown): string | null {
  if (value instanceof Error) return JSON.stringify(toAppError(value).message);
  if (typeof value === 'string') return /^[\w.:/@-]+$/.test(value) ? value : JSON.stringify(value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}

function cut(text: string, most: number): string {
  // No half of a letter that takes two.
  return text.length <= most ? text : `${text.slice(0, most).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

const encoder = new TextEncoder();
const bytesOf = (text: string) => encoder.encode(text).byteLength + 1;
