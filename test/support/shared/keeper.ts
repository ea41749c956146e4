import { launchGateway } from '../ceph.ts';
import { launchMariadb } from '../mariadb.ts';
import { launchPostgres, makePostgresFiles } from '../postgres.ts';

/**
 * The process that keeps the servers which the test files of a run share: it starts one of a kind when it is first
 * asked for. The channel to the run that started it is its life line: where that closes, in whatever way the run
 * ended, the servers end with their folders.
 */

const LAUNCHERS = {
  postgres: () => launchPostgres(),
  postgresFiles: makePostgresFiles,
  mariadb: launchMariadb,
  gateway: launchGateway,
  childApp: makeChildApp,
  main: makeMain,
};
type Kind = keyof typeof LAUNCHERS;

const started = new Map<Kind, ReturnType<(typeof LAUNCHERS)[Kind]>>();
let isEnding = false;

process.on('message', async ({ id, kind }: { readonly id: number; readonly kind: Kind }) => {
  try {
    const server = started.get(kind) ?? LAUNCHERS[kind]();
    started.set(kind, server);
    const { stop: _, ...place } = await server;
    // One that ends now is no place to be: the end of this process is the answer.
    if (!isEnding) process.send?.({ id, place });
  } catch (error) {
    process.send?.({ id, error: String(error) });
  }
});

async function makeChildApp() {
  const { bundleChildApp } = await import('../child-bundle.ts');
  return keepBundle(await bundleChildApp());
}

async function makeMain() {
  const { bundle } = await import('../bundle.ts');
  return keepBundle(await bundle('main', 'src/main.ts'));
}

/** Bundled once: that takes as long as three starts. */
async function keepBundle(program: string) {
  const { removeBundle } = await import('../bundle.ts');
  return { program, stop: () => removeBundle(program) };
}

async function end(): Promise<void> {
  if (isEnding) return;
  isEnding = true;
  await Promise.allSettled([...started.values()].map(async (server) => (await server).stop()));
  process.exit();
}
process.on('disconnect', end);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
