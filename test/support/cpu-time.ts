/** Milliseconds of CPU that this thread uses for the work: what else the machine does, and how long it stands still, counts for nothing. */
export function cpuMsOf(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}
