import { expect, test } from 'vitest';
import { trackProgress } from '../../src/backups/progress.ts';

test('the bytes move progress from 30 to below 80, however wrong the estimate was', () => {
  let at = 0;
  const tracker = trackProgress({ now: () => new Date(at), uptimeMs: () => at });
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
  const tracker = trackProgress({ now: () => new Date(at), uptimeMs: () => at });
  for (let second = 0; second <= 20; second += 1) {
    at = second * 1000;
    tracker.count({ read: second <= 10 ? second * 1_000_000 : 10_000_000 + (second - 10) * 100 });
  }
  expect(tracker.snapshot().bytesPerSecond).toBe(100);
});

test('the rate and the wait are by a clock that only goes forward, whatever is done to the other', () => {
  let uptime = 0;
  let wall = Date.parse('2026-03-04T05:06:07.000Z');
  const tracker = trackProgress({ now: () => new Date(wall), uptimeMs: () => uptime });
  tracker.enter('dump', 30);
  for (let second = 0; second <= 4; second += 1) {
    uptime = second * 1_000;
    wall += second % 2 === 0 ? 86_400_000 : -2 * 86_400_000;
    tracker.count({ read: second * 1_000_000 });
    expect(tracker.snapshot().waiting).toBeNull();
  }
  expect(tracker.snapshot().bytesPerSecond).toBe(1_000_000);
});

test('what stands still is said after ten seconds, with its time: the storage that takes nothing, or the host', () => {
  const at = Date.parse('2026-03-04T05:06:07.000Z');
  let uptime = 500;
  const tracker = trackProgress({ now: () => new Date(at + uptime), uptimeMs: () => uptime });
  tracker.enter('dump', 30);
  tracker.count({ read: 100, stored: 50 });
  tracker.waitFor('storage');
  uptime += 9_999;
  expect(tracker.snapshot().waiting).toBeNull();
  uptime += 60_000;
  expect(tracker.snapshot().waiting).toEqual({ for: 'storage', since: '2026-03-04T05:06:07.500Z' });
  tracker.count({ stored: 100 });
  expect(tracker.snapshot().waiting).toBeNull();
  tracker.waitFor('host');
  uptime += 20_000;
  expect(tracker.snapshot().waiting).toMatchObject({ for: 'host' });
  tracker.enter('verify', 90);
  uptime += 20_000;
  expect(tracker.snapshot().waiting).toMatchObject({ for: 'storage' });
});

test('a step begins once, at its mark, also where a failure is told of another one', () => {
  let at = 100;
  const tracker = trackProgress({ now: () => new Date(at), uptimeMs: () => at });
  tracker.enter('upload', 10);
  tracker.enter('connect', 10);
  at = 500;
  tracker.enter('dump', 30);
  at = 900;
  tracker.enter('upload', tracker.snapshot().progress);
  expect(tracker.steps()).toEqual([
    { step: 'connect', afterMs: 0 },
    { step: 'dump', afterMs: 400 },
  ]);
  tracker.enter('upload', 80);
  at = 1000;
  tracker.enter('verify', 90);
  expect(tracker.steps().slice(2)).toEqual([
    { step: 'upload', afterMs: 800 },
    { step: 'verify', afterMs: 900 },
  ]);
});
