import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import type { ProcessMetrics } from '../process-metrics.ts';

/** Seconds: from a HEAD next door to a part over a slow line. */
const BUCKETS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** What has no value yet, such as the lag of an event loop that was not watched before, has no sample; `Nan` is no number of the format. */
const UNKNOWN = /^.* Nan\n/gm;

/** Gauges by the name of a counter, which the linter of Prometheus refuses; the same by type stay. */
const MISNAMED = ['handles', 'requests', 'resources'].map((what) => `nodejs_active_${what}_total`);

/** Counts in a registry of its own. The process itself is watched from the first scrape on. */
export function createPromMetrics(): ProcessMetrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: 'bridgeport_storage_requests_total',
    help: 'Requests to the storage, each try by itself, by the status of the answer ("none": no answer came).',
    labelNames: ['provider', 'operation', 'status'],
    registers,
  });
  const retries = new Counter({
    name: 'bridgeport_storage_request_retries_total',
    help: 'Requests to the storage that were sent again, by the status that they were sent again for.',
    labelNames: ['provider', 'operation', 'status'],
    registers,
  });
  const seconds = new Histogram({
    name: 'bridgeport_storage_request_duration_seconds',
    help: 'How long requests to the storage took.',
    labelNames: ['provider', 'status'],
    buckets: BUCKETS,
    registers,
  });
  const runs = new Counter({
    name: 'bridgeport_runs_ended_total',
    help: 'Runs that ended in this process, by kind and how; of a failed backup by the step at which it failed.',
    labelNames: ['kind', 'state', 'step'],
    registers,
  });
  let isWatched = false;
  return {
    sent({ provider, operation, status }, took) {
      requests.inc({ provider, operation, status });
      seconds.observe({ provider, status }, took);
    },
    retried: ({ provider, operation, status }) => retries.inc({ provider, operation, status }),
    ended: ({ kind, state, step }) => runs.inc({ kind, state, step: step ?? '' }),
    async text() {
      if (!isWatched) watch(registry);
      isWatched = true;
      return (await registry.metrics()).replaceAll(UNKNOWN, '');
    },
  };
}

function watch(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
}
