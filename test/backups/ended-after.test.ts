import { describe, expect, it } from 'vitest';
import { endedAfterMs } from '../../src/backups/ended-after.ts';

const started_at = '2026-03-04T05:06:07.000Z';
const endedAt = (completed_at: string | null, duration: number | null) => ({
  ...{ started_at, completed_at, duration },
});
const VERIFY = [
  { step: 'connect', afterMs: 0 },
  { step: 'verify', afterMs: 2310 },
] as const;

describe('when a run ended, after its beginning', () => {
  it('is told as exactly as its steps, by its instants where they agree with how long it took', () => {
    expect(endedAfterMs(endedAt('2026-03-04T05:06:09.390Z', 2), VERIFY)).toBe(2390);
  });

  it.each([
    ['a clock that was set on', '2026-03-04T06:06:09.390Z'],
    ['a clock that was set back', '2026-03-04T04:06:09.390Z'],
    ['no instant', null],
  ])('is told by how long it took, and is never before its last step: %s', (_, completedAt) => {
    expect(endedAfterMs(endedAt(completedAt, 9), VERIFY)).toBe(9000);
    expect(endedAfterMs(endedAt(completedAt, 2), VERIFY)).toBe(2310);
    expect(endedAfterMs(endedAt(completedAt, 2), [])).toBe(2000);
  });

  it('is not known of one that was repaired', () => {
    expect(endedAfterMs(endedAt('2026-03-04T05:06:09.390Z', null), VERIFY)).toBeNull();
  });
});
