import type { RunEnd, RunKindName } from '../db/schema.ts';
import type { StorageMeter } from '../object-stores/storage-meter.ts';

/** A run that ended here. */
export interface EndedRun {
  readonly kind: RunKindName;
  readonly state: RunEnd;
  /** At which one that failed did. */
  readonly step: string | null;
}

/** What one process alone knows, counted since it began: of its requests to storages, of the runs that ended in it, and of itself. */
export interface ProcessMetrics extends StorageMeter {
  ended(run: EndedRun): void;
  /** As Prometheus reads it. */
  text(): Promise<string>;
}
