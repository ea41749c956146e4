/** Rebuilds and restarts the app whenever a source changes. Arguments go to the app. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { context } from 'esbuild';
import { copyAssets, options } from './build.mjs';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** @type {import('node:child_process').ChildProcess | undefined} */
let app;
let turn = Promise.resolve();

async function restart() {
  await stopApp();
  await copyAssets();
  app = spawn(process.execPath, ['--enable-source-maps', main, ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
}

async function stopApp() {
  if (!app || app.exitCode !== null || app.signalCode !== null) return;
  const exited = once(app, 'exit');
  app.kill('SIGTERM');
  await exited;
}

/** @type {import('esbuild').Plugin} */
const restartAfterBuild = {
  name: 'restart',
  setup(build) {
    build.onEnd(({ errors }) => {
      // One restart after the other; a build with errors leaves the running app alone.
      if (errors.length === 0) turn = turn.then(restart);
    });
  },
};

const builder = await context({ ...options, plugins: [...(options.plugins ?? []), restartAfterBuild] });
await builder.watch();
watch(join(main, '../../public'), { recursive: true }, () => void copyAssets());

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.once(signal, () => {
    turn = turn.then(stopApp).then(() => builder.dispose());
    turn.then(() => process.exit(0));
  });
}
