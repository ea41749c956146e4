import { expect, test } from 'vitest';
import { trackProgress } from '../../src/backup/progress.ts';

test('the bytes move progress from 30 to below 80, however wrong the estimate was', () => {
  let at = 0;
  const tracker = trackProgress(() => new Date(at));
  tracker.enter('dump', 30);
  tracker.expect(1000);
  expect(tracker.snapshot().progress).toBe(30);
  at = 1000;
  tracker.count({ read: 500 });
  expect(tracker.snapshot()).toMatchObject({ progress: 55, bytesRead: 500, step: 'dump' });
  at = 2000;
  tracker.count({ read: 9000 });
  expect(tracker.snapshot().progress).toBe(79);
  tracker.enter('verify', 90);
  expect(tracker.snapshot().progress).toBe(90);
});

test('the rate is that of the last seconds', () => {
  let at = 0;
  const tracker = trackProgress(() => new Date(at));
  for (let second = 0; second <= 20; second += 1) {
    at = second * 1000;
    tracker.count({ read: second <= 10 ? second * 1_000_000 : 10_000_000 + (second - 10) * 100 });
  }
  expect(tracker.snapshot().bytesPerSecond).toBe(100);
});
