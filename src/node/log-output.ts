import { fstatSync, writeSync } from 'node:fs';

/** A stream that lines go to, as Node makes it of a pipe, a socket or a terminal. */
export interface LineStream {
  readonly writableLength: number;
  write(text: string, done: (error?: Error | null) => void): boolean;
  on(event: 'error' | 'drain', listener: (error: Error) => void): unknown;
}

export interface OutputOptions {
  /** The line that tells how many were dropped. */
  readonly dropped: (count: number) => string;
  /** Characters that may wait for a reader. */
  readonly maxWaiting?: number;
}

const MAX_WAITING = 1024 * 1024;

/**
 * Where log lines go. It never throws, never blocks on a reader and never keeps more than `maxWaiting`: what can't be written
 * (a full disk, a reader that is gone or stands still) is dropped, and how many there were is said as soon as possible.
 */
export function logOutput(
  { fd, stream }: { readonly fd: number; readonly stream: LineStream },
  options: OutputOptions,
): (line: string) => void {
  // Without a listener, each failure would be an uncaught exception, which is logged, which fails.
  stream.on('error', () => undefined);
  return isFile(fd) ? toFile(fd, options) : toStream(stream, options);
}

/** Node's own stream for a file does not see that only half of a line found room. */
function isFile(fd: number): boolean {
  try {
    const found = fstatSync(fd);
    return found.isFile();
  } catch {
    return false;
  }
}

function toFile(fd: number, { dropped }: OutputOptions): (line: string) => void {
  let lost = 0;
  let isMidLine = false;

  function put(line: string): boolean {
    const bytes = Buffer.from(`${isMidLine ? '\n' : ''}${line}\n`);
    let written = 0;
    try {
      while (written < bytes.length) written += writeSync(fd, bytes, written);
      isMidLine = false;
      return true;
    } catch {
      if (written > 0) isMidLine = true;
      return false;
    }
  }

  return (line) => {
    if (lost > 0) {
      if (!put(dropped(lost))) {
        lost += 1;
        return;
      }
      lost = 0;
    }
    if (!put(line)) lost += 1;
  };
}

function toStream(
  stream: LineStream,
  { dropped, maxWaiting = MAX_WAITING }: OutputOptions,
): (line: string) => void {
  let lost = 0;

  function put(text: string, lines: number): void {
    const failed = () => {
      lost += lines;
    };
    try {
      stream.write(`${text}\n`, (error) => {
        if (error) failed();
      });
    } catch {
      failed();
    }
  }

  function tellLost(): void {
    if (lost === 0) return;
    const count = lost;
    lost = 0;
    put(dropped(count), count);
  }

  // The reader goes on.
  stream.on('drain', tellLost);
  return (line) => {
    if (stream.writableLength > maxWaiting) {
      lost += 1;
      return;
    }
    tellLost();
    put(line, 1);
  };
}
