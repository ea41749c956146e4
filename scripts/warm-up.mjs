/**
 * Starts the built app once, asks it what is asked first, and ends it: V8's compiled code then lies beside the program, and the next
 * starts take it from there, a third of what they cost. The image is made with it; `npm start` leaves it behind by itself.
 *
 *   node scripts/warm-up.mjs [PROGRAM]    dist/main.js by itself
 *
 * Node keeps it by its own version, its flags and the user, and takes nothing that does not fit the source to the letter. So it is made with the
 * flags and by the user of the later starts; and who may write it might as well write the program.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { appEnvironment, appFlags } from './app-memory.mjs';

/** Beside the program. */
export const COMPILED = 'compiled';

const WITHIN_MS = 60_000;
/** Of these the answers need most of what every page needs. */
const ASKED = ['/health', '/login', '/setup', '/ready', '/openapi.json'];

/** @param {string} program */
async function warmUp(program) {
  const dataDir = mkdtempSync(join(tmpdir(), 'bridgeport-warm-up-'));
  const child = spawn(process.execPath, [...appFlags, program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...appEnvironment,
      PATH: process.env['PATH'] ?? '',
      NODE_ENV: 'production',
      NODE_COMPILE_CACHE: join(dirname(program), COMPILED),
      ...{ DATA_DIR: dataDir, HOST: '127.0.0.1', PORT: '0' },
    },
  });
  const ended = new Promise((done) => child.once('exit', (code, signal) => done(code ?? signal)));
  const tooLong = setTimeout(() => child.kill('SIGKILL'), WITHIN_MS);
  try {
    const url = `http://127.0.0.1:${await portOf(child.stdout)}`;
    for (const path of ASKED) await (await fetch(url + path)).text();
    child.kill('SIGTERM');
    const status = await ended;
    if (status !== 0) throw new Error(`The app ended with ${status} where it was to be warmed up.`);
  } finally {
    clearTimeout(tooLong);
    child.kill('SIGKILL');
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/**
 * As its log tells it.
 *
 * @param {import('node:stream').Readable} output
 * @returns {Promise<number>}
 */
function portOf(output) {
  let text = '';
  return new Promise((done, fail) => {
    output.on('data', (chunk) => {
      text += chunk;
      const port = /"listening".*?"port":(\d+)/.exec(text)?.[1];
      if (port !== undefined) done(Number(port));
    });
    output.once('end', () => fail(new Error(`The app did not start:\n${text}`)));
  });
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await warmUp(resolve(process.argv[2] ?? join(import.meta.dirname, '../dist/main.js')));
}
