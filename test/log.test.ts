import { describe, expect, it } from 'vitest';
import { AppError } from '../src/errors.ts';
import { createLog, requestFields } from '../src/log.ts';

const NOW = new Date('2026-02-28T23:59:59.999Z');

function logged(write: (log: ReturnType<typeof createLog>) => void): unknown {
  const lines: string[] = [];
  write(
    createLog(
      'debug',
      (line) => lines.push(line),
      () => NOW,
    ),
  );
  return lines.map((line) => JSON.parse(line))[0];
}

describe('a line of the log', () => {
  it('names service, request and error as OpenTelemetry does', () => {
    const error = new AppError('host_auth', 'It says "no" 🗝.');
    const line = logged((log) =>
      log.warn('request failed', { ...requestFields({ method: 'GET', path: '/api/ü' }, 503), error }),
    );
    expect(line).toMatchObject({
      ...{ time: NOW.toISOString(), level: 'warn', message: 'request failed', 'service.name': 'bridgeport' },
      ...{ 'http.request.method': 'GET', 'url.path': '/api/ü', 'http.response.status_code': 503 },
      ...{ 'error.type': 'host_auth', error: { message: 'It says "no" 🗝.', code: 'host_auth' } },
    });
  });

  it('names the type of an error without a code by its name, and none where nothing failed', () => {
    expect(logged((log) => log.error('x', { error: new TypeError('y') }))).toMatchObject({
      'error.type': 'TypeError',
    });
    expect(logged((log) => log.info('x', { id: 1 }))).not.toHaveProperty('error.type');
  });
});
