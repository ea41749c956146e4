export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface Log {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/**
 * A log of one JSON object a line: `time`, `level`, `message`, then the fields. What OpenTelemetry's semantic conventions have a name
 * for is called so: `service.name`, of an error `error.type`, of a request what `requestFields` gives. Errors among the fields are
 * written with message, code, stack and causes. Callers hand in no secrets; nothing here could recognise one.
 */
export function createLog(level: LogLevel, write: (line: string) => void, now: () => Date): Log {
  const least = LEVELS.indexOf(level);
  const at =
    (name: LogLevel) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      if (LEVELS.indexOf(name) < least) return;
      write(lineOf({ time: now().toISOString(), level: name, message }, fields));
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** What the log tells of a request that was answered with that status; the path alone, since a query may hold what people typed. */
export function requestFields(
  { method, path }: { readonly method: string; readonly path: string },
  status: number,
): Readonly<Record<string, unknown>> {
  return { 'http.request.method': method, 'url.path': path, 'http.response.status_code': status };
}

/** The line that tells how many could not be written. */
export function droppedLine(count: number, now: Date): string {
  return lineOf({ time: now.toISOString(), level: 'warn', message: 'log lines were dropped' }, { count });
}

/** A log never throws: what can't be written as JSON, such as a circle, is left out and said to be. */
function lineOf(head: Readonly<Record<string, string>>, fields: Readonly<Record<string, unknown>>): string {
  try {
    return JSON.stringify({ ...head, ...SERVICE, ...readable(fields) });
  } catch (error) {
    return JSON.stringify({ ...head, ...SERVICE, fieldsLost: String(error) });
  }
}

const SERVICE = { 'service.name': 'bridgeport' };

function readable(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) =>
      value instanceof Error
        ? [
            ['error.type', typeOf(value)],
            [name, describe(value)],
          ]
        : [[name, value]],
    ),
  );
}

/** Its code, where it has one of few. */
function typeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

function describe(error: Error): Record<string, unknown> {
  return {
    name: error.name,
    message: error.message,
    ...('code' in error ? { code: error.code } : {}),
    stack: error.stack,
    ...(error.cause instanceof Error ? { cause: describe(error.cause) } : {}),
  };
}
