/**
 * Runs one of the project's scripts under the Node version that package.json pins, from whatever Node ≥ 18
 * started it, and installs the npm packages first when they do not match package-lock.json.
 *
 *   node scripts/with-node.mjs [--build] SCRIPT [ARGUMENT...]
 *
 * Plain JavaScript without imports from node_modules: on a clean clone this is the first thing that runs.
 * It is one command on purpose: npm turns off pre- and post-scripts with `ignore-scripts`, and a shell that
 * has found the machine's `node` once keeps using it for the next command of the same line. In package.json it
 * stands after `exec`, without which the shell in between swallows the SIGTERM that npm hands on.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { appEnvironment, appFlags } from './app-memory.mjs';
import { COMPILED } from './warm-up.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const wantedMajor = 24;

if (realpathSync(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));

/**
 * Standard output is the script's alone: what is said here goes to standard error.
 *
 * @param {string[]} argv
 */
export async function main(argv) {
  const build = argv[0] === '--build';
  const [script, ...rest] = build ? argv.slice(1) : argv;
  if (script === undefined) stop('usage: node scripts/with-node.mjs [--build] SCRIPT [ARGUMENT...]', 2);

  const prebuilt = build && isProductionInstall(root, script);
  if (!prebuilt && missingPackages(root).length > 0) install();
  const node = findNode();
  if (build && !prebuilt) await run(node, [join(root, 'scripts/build.mjs')]).then(stopUnlessDone);
  const isApp = resolve(root, script) === join(root, 'dist/main.js');
  exitLike(
    await run(
      node,
      [...(isApp ? appFlags : []), resolve(root, script), ...rest],
      isApp ? { ...appEnvironment, NODE_COMPILE_CACHE: join(root, 'dist', COMPILED) } : {},
    ),
  );
}

/**
 * Packages that package-lock.json names for this platform and that node_modules does not hold at that version.
 * npm writes node_modules/.package-lock.json last, so an installation that was cut off counts as missing.
 *
 * @param {string} folder of package.json
 * @param {{ production?: boolean }} [options] production: without development and optional packages
 * @returns {string[]} paths as in the lock file
 */
export function missingPackages(folder, { production = false } = {}) {
  const wanted = readPackages(join(folder, 'package-lock.json'));
  const installed = readPackages(join(folder, 'node_modules/.package-lock.json'));
  return Object.entries(wanted)
    .filter(([path, entry]) => path !== '' && isNeeded(path, entry, production))
    .filter(([path, entry]) => installed[path]?.version !== entry.version)
    .map(([path]) => path);
}

/**
 * @typedef {{ version?: string, dev?: boolean, optional?: boolean, devOptional?: boolean, os?: string | string[], cpu?: string | string[] }} LockEntry
 * @param {string} file
 * @returns {Record<string, LockEntry>}
 */
function readPackages(file) {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')).packages ?? {}) : {};
}

/**
 * Optional packages may be absent (another libc, another system), but for our own Node.
 *
 * @param {string} path
 * @param {LockEntry} entry
 * @param {boolean} production
 */
function isNeeded(path, entry, production) {
  if (production) return !entry.dev && !entry.optional && !entry.devOptional;
  if (path.startsWith('node_modules/node-linux-')) return path === `node_modules/node-${platform()}`;
  return !entry.optional && !entry.devOptional;
}

function platform() {
  return `${process.platform}-${process.arch}`;
}

/**
 * Built elsewhere and installed with `--omit=dev`, as in the image: nothing to install and nothing to build with.
 *
 * @param {string} folder
 * @param {string} script
 */
function isProductionInstall(folder, script) {
  const hasBuilder = existsSync(join(folder, 'node_modules/esbuild'));
  return (
    existsSync(resolve(folder, script)) &&
    !hasBuilder &&
    missingPackages(folder, { production: true }).length === 0
  );
}

function install() {
  console.error('Installing npm packages (npm ci) …');
  const startedAt = Date.now();
  // --include: NODE_ENV=production or an `omit` setting would leave out the tools. Warnings are off because npm
  // itself still runs under the machine's older Node and would warn about it for every package.
  const npm = ['ci', '--include=dev', '--include=optional', '--ignore-scripts', '--loglevel=error'];
  const npmCli = process.env['npm_execpath'];
  const { status, error } = npmCli?.endsWith('.js')
    ? spawnSync(process.execPath, [npmCli, ...npm], { cwd: root, stdio: ['ignore', 2, 2] })
    : spawnSync('npm', npm, { cwd: root, stdio: ['ignore', 2, 2] });
  if (error) stop(`npm could not be started: ${error.message}. Install npm 10 or newer and try again.`);
  if (status !== 0) {
    stop(
      `npm ci failed with exit status ${status}; what npm said is above. It needs the npm registry ` +
        `(npm config get registry) and a writable ${join(root, 'node_modules')}. Mend that and run the command again.`,
    );
  }
  const missing = missingPackages(root).filter((path) => !path.startsWith('node_modules/node-'));
  if (missing.length > 0) stop(`npm ci ended well but did not install ${missing.slice(0, 5).join(', ')}.`);
  console.error(`Installed in ${((Date.now() - startedAt) / 1000).toFixed(1)} s.`);
}

/** Path of the Node to use: the one among the packages, else the one that runs this. */
function findNode() {
  const packaged = packagedNode();
  if (packaged && spawnSync(packaged, ['--version'], { stdio: 'ignore' }).status === 0) return packaged;
  if (Number.parseInt(process.versions.node, 10) >= wantedMajor) return process.execPath;
  return stop(
    `This needs Node ${wantedMajor} or newer; ${process.execPath} is ${process.version}, and the package that brings ` +
      `Node along exists for Linux with glibc on x64 and arm64 only (here: ${platform()}). ` +
      `Install Node ${wantedMajor} from https://nodejs.org and run the command again.`,
  );
}

function packagedNode() {
  try {
    const manifest = createRequire(join(root, 'package.json')).resolve(`node-${platform()}/package.json`);
    return join(manifest, '../bin/node');
  } catch {
    return undefined;
  }
}

/**
 * @param {string} node
 * @param {string[]} args
 * @param {Readonly<Record<string, string>>} [settings] of the environment, under those of the user
 * @returns {Promise<{ code: number | null, signal: NodeJS.Signals | null }>}
 */
function run(node, args, settings = {}) {
  // First in PATH for what starts `node` by name. node_modules/.bin is not enough: npm 10 takes the link away that
  // one platform's Node made there when it drops the other's.
  const path = [dirname(node), process.env['PATH']].join(delimiter);
  const child = spawn(node, args, { stdio: 'inherit', env: { ...settings, ...process.env, PATH: path } });
  // A terminal sends its signals to the whole group; what was sent to this process alone has to be handed on.
  /** @param {NodeJS.Signals} signal */
  const handOn = (signal) => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  };
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, handOn);
  return new Promise((done, failed) => {
    child.once('error', failed);
    child.once('exit', (code, signal) => {
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(name, handOn);
      done({ code, signal });
    });
  });
}

/** @param {{ code: number | null, signal: NodeJS.Signals | null }} end */
function stopUnlessDone(end) {
  if (end.code !== 0) exitLike(end);
}

/**
 * @param {{ code: number | null, signal: NodeJS.Signals | null }} end
 * @returns {never}
 */
function exitLike({ code, signal }) {
  process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0));
}

/**
 * @param {string} message
 * @param {number} [status]
 * @returns {never}
 */
function stop(message, status = 1) {
  console.error(message);
  process.exit(status);
}
