import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/errors.ts';
import { createRunLog, detailsOf, type RunLogLine, readRunLog } from '../../src/runs/run-log.ts';

const MOST_BYTES = 64 * 1024;
const at = (n: number) => new Date(Date.UTC(2026, 1, 28, 23, 59) + n * 1000).toISOString();
const line = (n: number, message = `line ${n}`, details = ''): RunLogLine => ({
  ...{ at: at(n), level: 'info', message, details },
});

function logOf(lines: readonly RunLogLine[], earlier = ''): string {
  const log = createRunLog(earlier);
  for (const one of lines) log.add(one);
  return log.text();
}

describe('the log of a run', () => {
  it('says again what was said, whatever letters that holds', () => {
    const text = fc.string({
      unit: fc.constantFrom('\n', '"', '\\', '🗝', 'ü', '<b>', '\u2028', 'x'),
      maxLength: 40,
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { maxLength: 20 }), (said) => {
        const lines = said.map(([message, details], n) => line(n, message, details));
        expect(readRunLog(logOf(lines))).toEqual(lines);
      }),
    );
  });

  it('has at most 64 KiB, however much is said, in whole lines: the first and the last, and how many are missing', () => {
    const lengths = fc.array(fc.integer({ min: 0, max: 9000 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(lengths, fc.constantFrom('x', 'ü', '🗝', '"'), (all, letter) => {
        const lines = all.map((length, n) => line(n, `line ${n}`, letter.repeat(length)));
        const text = logOf(lines);
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MOST_BYTES);
        const kept = readRunLog(text);
        expect(kept.length).toBe(text.split('\n').length);
        expect(kept.at(-1)?.message).toBe(`line ${lines.length - 1}`);
        expect(kept[0]?.message).toBe('line 0');
        const gap = kept.map(({ message }) => /^(\d+) lines were left out/.exec(message)?.[1]).find(Boolean);
        expect(kept.length - (gap === undefined ? 0 : 1) + Number(gap ?? 0)).toBe(lines.length);
      }),
      { numRuns: 30 },
    );
  });

  it('goes on behind what an earlier process kept, and stays within its bounds', () => {
    const many = Array.from({ length: 400 }, (_, n) => line(n, `line ${n}`, 'x'.repeat(500)));
    let text = '';
    for (let start = 0; start < 5; start += 1)
      text = logOf([...many, line(400 + start, `start ${start}`)], text);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MOST_BYTES);
    expect(readRunLog(text).at(-1)?.message).toBe('start 4');
    expect(readRunLog(text)[0]?.message).toBe('line 0');
    expect(logOf([line(1)], 'no JSON\n{"at":1}\n')).toBe(JSON.stringify(line(1)));
  });

  it('is told in the order of its instants, also what was known later', () => {
    expect(
      readRunLog(logOf([line(1), line(3), line(2), line(3, 'after')])).map(({ message }) => message),
    ).toEqual([...['line 1', 'line 2', 'line 3', 'after']]);
  });
});

describe('what stands beside a line', () => {
  it('is what is short and known, and of an error what it says to people', () => {
    const cause = new Error('password authentication failed for hunter2-secret');
    const error = new AppError('host_auth', 'The server refused the login "ä".', { cause });
    const fields = { ...{ runId: 'r', backupId: 'b', attempt: 2, status: 503, isPatient: true }, error };
    expect(
      detailsOf({ ...fields, key: 'a/b.sql', says: 'two words', none: null, nested: { token: 'x' } }),
    ).toBe(
      'attempt=2 status=503 isPatient=true error="The server refused the login \\"ä\\"." key=a/b.sql says="two words"',
    );
    expect(detailsOf({ error: cause })).not.toContain('hunter2');
  });
});
