import type { Log } from '../../log.ts';
import type { ProcessMetrics } from '../process-metrics.ts';

/** What counts is read with the first thing to count, so that no start waits for it; what it is told meanwhile is kept in order. */
export function createProcessMetrics({ log }: { readonly log: Log }): ProcessMetrics {
  let opened: Promise<ProcessMetrics> | undefined;
  const open = () => {
    opened ??= import('./prom-metrics.ts').then(({ createPromMetrics }) => createPromMetrics());
    return opened;
  };
  const tell = (what: (metrics: ProcessMetrics) => void) => {
    open()
      .then(what)
      .catch((error: unknown) => log.error('something could not be counted for the metrics', { error }));
  };
  return {
    sent: (request, seconds) => tell((metrics) => metrics.sent(request, seconds)),
    retried: (request) => tell((metrics) => metrics.retried(request)),
    ended: (run) => tell((metrics) => metrics.ended(run)),
    text: async () => (await open()).text(),
  };
}
