/** The app as a process of its own that can be killed, with the leases of production. Bundled by `child-process.ts`. */
import { flushCompileCache } from 'node:module';
import { createApp } from '../../src/app.ts';
import { prepareFirstAdmin } from '../../src/auth/first-admin.ts';
import { serveApp } from '../../src/http/node/serve.ts';
import { createLog } from '../../src/log.ts';
import { readConfig } from '../../src/node/read-config.ts';
import { createServices } from '../../src/services.ts';
import { QUICK, SMALL_PARTS } from './installation.ts';

/** The instant at which the calendar of schedules and retention began to run 60 times faster, a month ahead. */
const calendarSince = process.env['TEST_CALENDAR_SINCE'];
const MONTH_MS = 30 * 86_400_000;
const calendar = (since: number) => () => new Date(since + MONTH_MS + 60 * (Date.now() - since));

const partBytes = process.env['TEST_PART_BYTES'];
/** Where processes wait for a lease to end, looks at the work ten times a second are most of what they do. */
const tickMs = Number(process.env['TEST_TICK_MS'] ?? 100);
const services = await createServices(readConfig(), {
  log: createLog(
    'debug',
    (line) => process.stdout.write(`${line}\n`),
    () => new Date(),
  ),
  version: '0.0.0-test',
  ...(calendarSince ? { calendar: calendar(Number(calendarSince)) } : {}),
  tuning: { ...QUICK, ...SMALL_PARTS, ...(partBytes ? { usualPartBytes: Number(partBytes) } : {}) },
  timing: { tickMs, sweepEveryMs: 2 * tickMs, completeMayTakeMs: 1_000, askAgainMs: 200 },
});
await services.exclusively(() => prepareFirstAdmin(services));
const app = await createApp(services);
// One that comes after another has its address, as a container that is started again does.
const port = Number(process.env['TEST_PORT'] ?? 0);
serveApp(app, { host: '127.0.0.1', port }, ({ port: listening }) => {
  services.worker.start();
  const routes = [...new Set(app.routes.map(({ method, path }) => `${method} ${path}`))];
  process.stdout.write(`${JSON.stringify({ listening, routes })}\n`);
  // One that is killed writes nothing any more.
  flushCompileCache();
});
process.on('SIGTERM', async () => {
  await services.worker.stop(6_000);
  await services.close();
  process.exit(0);
});
