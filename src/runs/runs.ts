/** The worker of this process, as the use cases see it. */
export interface Runs {
  /** Looks for waiting runs now, not at the next round. */
  wake(): void;
  /** Aborts a run of this process; false when it runs none of that id. */
  cancel(runId: string): boolean;
  /** Fresher numbers than the row's, while that backup runs here. */
  progress(backupId: string): RunProgress | null;
}

export interface RunProgress {
  readonly step: 'connect' | 'dump' | 'upload' | 'verify';
  readonly progress: number;
  readonly bytesRead: number;
  readonly bytesStored: number;
  readonly estimatedBytes: number | null;
  /** Bytes per second of the dump, over the last seconds. */
  readonly bytesPerSecond: number;
  /** What it waits for without a byte, once that has lasted; null while bytes come. */
  readonly waiting: { readonly for: 'storage' | 'host'; readonly since: string } | null;
}
