export interface Steps {
  /** Runs one named step and prints how long it took and what came of it. */
  run<T>(name: string, action: () => Promise<{ value: T; note: string }>): Promise<T>;
  /** The step that runs, or ran last. */
  current(): string;
}

export function createSteps(): Steps {
  let name = 'start';
  return {
    current: () => name,
    async run(next, action) {
      name = next;
      const startedAt = performance.now();
      const { value, note } = await action();
      const ms = Math.round(performance.now() - startedAt);
      process.stdout.write(`✓ ${name.padEnd(46)} ${String(ms).padStart(6)} ms  ${note}\n`);
      return value;
    },
  };
}

/** Bytes for people: `12.3 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
