/**
 * Loaded before the app: sees how much CPU time its main thread spends without coming back to its event loop. CPU time,
 * since on a machine that is shared a thread may wait for its turn long after it could go on.
 */
let last = process.threadCpuUsage();
let longestMs = 0;

setInterval(() => {
  const now = process.threadCpuUsage();
  longestMs = Math.max(longestMs, (now.user - last.user + now.system - last.system) / 1000);
  last = now;
}, 1).unref();

process.on('message', () => {
  process.send?.(longestMs);
  longestMs = 0;
});
process.channel?.unref();
