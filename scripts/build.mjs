/**
 * Bundles the programs into dist/, each in a file of its own beside which lies only what it reads later, by import(),
 * and copies what browsers load to dist/assets.
 *
 *   node scripts/build.mjs [NAME...]    all programs, or those named
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build, transform } from 'esbuild';
import { packagedCommonPasswords } from '../src/auth/node/common-passwords.ts';
import { assetSources } from '../src/http/node/assets.ts';
import { COMPILED } from './warm-up.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Output name (dist/NAME.js) to source. */
export const programs = {
  main: 'src/main.ts',
  'sqlite-dump': 'src/engines/sqlite/node/dump.ts',
  'bridgeport-restore': 'src/restores/node/by-hand/main.ts',
  demo: 'dev/demo/main.ts',
  'dev-bucket': 'dev/bucket/main.ts',
};

/** @type {import('esbuild').BuildOptions} */
export const options = {
  absWorkingDir: root,
  entryPoints: programs,
  outdir: 'dist',
  bundle: true,
  format: 'esm',
  // What is imported by import() is not read before: a third of the app's start was the parsing of undici.
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  platform: 'node',
  target: 'node24',
  jsx: 'automatic',
  jsxImportSource: 'hono/jsx',
  sourcemap: 'linked',
  // Names stay for stack traces; without the spaces the app takes 6 MiB less memory.
  minifySyntax: true,
  minifyWhitespace: true,
  // In a file of their own: one letter beyond Latin-1 among them, and V8 holds the whole source in two bytes a letter.
  legalComments: 'external',
  define: { __VERSION__: JSON.stringify(version) },
  plugins: [requiredPackages(['better-sqlite3', 'ssh2'])],
  // CommonJS packages inside an ES module still call require for Node's own modules.
  banner: {
    js: "import { createRequire as createBundleRequire } from 'node:module'; const require = createBundleRequire(import.meta.url);",
  },
  logLevel: 'warning',
};

/**
 * Packages that stay in node_modules, since they have native addons beside their JavaScript. They are CommonJS and are
 * required: to import one, Node would first look for its names with a parser in WebAssembly, which costs memory and
 * time at the start.
 *
 * @param {readonly string[]} names
 * @returns {import('esbuild').Plugin}
 */
function requiredPackages(names) {
  return {
    name: 'required-packages',
    setup({ onResolve, onLoad }) {
      const filter = new RegExp(`^(${names.join('|')})$`);
      onResolve({ filter }, ({ path, namespace }) =>
        namespace === 'required' ? { path, external: true } : { path, namespace: 'required' },
      );
      onLoad({ filter, namespace: 'required' }, ({ path }) => ({
        contents: `module.exports = require(${JSON.stringify(path)});`,
      }));
    },
  };
}

/** Joins what pages load, as src/http/node/assets.ts lists it, into dist/assets, and writes what the server reads beside itself. */
export async function copyAssets() {
  await writeAssets(join(root, 'dist/assets'));
  const passwords = await packagedCommonPasswords();
  writeFileSync(join(root, 'dist/common-passwords.json'), JSON.stringify(passwords));
}

/** What is larger is compressed a little less well, in a tenth of the time. */
const LARGE = 256 * 1024;

/**
 * Each asset as browsers load it, our own without what only people read, and beside it by brotli and gzip. What has not changed
 * since it was last written is left as it is.
 *
 * @param {string} folder
 * @param {ReturnType<typeof assetSources>} sources
 */
export async function writeAssets(folder, sources = assetSources()) {
  mkdirSync(folder, { recursive: true });
  for (const { name, paths } of sources) {
    const joined = Buffer.concat(paths.map((path) => readFileSync(path)));
    const body = await minified(name, joined);
    const file = join(folder, name);
    if (existsSync(`${file}.br`) && existsSync(file) && readFileSync(file).equals(body)) continue;
    const quality = body.length > LARGE ? 9 : constants.BROTLI_MAX_QUALITY;
    writeFileSync(file, body);
    writeFileSync(`${file}.gz`, gzipSync(body, { level: 9 }));
    writeFileSync(
      `${file}.br`,
      brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } }),
    );
  }
}

/**
 * @param {string} name
 * @param {Buffer} body
 */
async function minified(name, body) {
  const loader = OWN_LOADERS[name];
  if (loader === undefined) return body;
  const { code } = await transform(body.toString(), { loader, minify: true, legalComments: 'none' });
  return Buffer.from(code);
}

/** @type {Readonly<Record<string, 'css' | 'js'>>} packages bring theirs minified */
const OWN_LOADERS = { 'app.css': 'css', 'ui.js': 'js', 'password-strength.js': 'js' };

if (import.meta.main) {
  await buildPrograms(process.argv.slice(2)).catch((/** @type {unknown} */ error) => {
    // esbuild has printed the errors of sources itself.
    if (!(error instanceof Error && 'errors' in error)) console.error(error);
    process.exit(1);
  });
}

/** @param {readonly string[]} names none: all */
async function buildPrograms(names) {
  const startedAt = performance.now();
  await copyAssets();
  const chosen = Object.entries(programs).filter(([name]) => names.length === 0 || names.includes(name));
  rmSync(join(root, 'dist/chunks'), { recursive: true, force: true });
  rmSync(join(root, 'dist', COMPILED), { recursive: true, force: true });
  // One by one, so that no two share a file: sqlite-dump goes to hosts, alone.
  const built = await Promise.all(
    chosen.map(([name, source]) => build({ ...options, entryPoints: { [name]: source }, metafile: true })),
  );
  for (const { metafile } of built) Object.keys(metafile.outputs).forEach(refuseWideLetters);
  const sizes = built
    .flatMap(({ metafile }) => Object.entries(metafile.outputs))
    .filter(([file]) => file.endsWith('.js'))
    .map(([file, { bytes }]) => `${file} ${Math.ceil(bytes / 1024)} KiB`);
  console.log(`Built in ${Math.round(performance.now() - startedAt)} ms: ${sizes.join(', ')}`);
}

/**
 * V8 holds a source in two bytes a letter where one of its letters is beyond Latin-1: megabytes, as long as the app runs. In texts esbuild
 * escapes them; in a regular expression that is to be done in the source.
 *
 * @param {string} file
 */
function refuseWideLetters(file) {
  if (!file.endsWith('.js')) return;
  const found = /.{0,40}[^\0-\xFF].{0,20}/u.exec(readFileSync(join(root, file), 'utf8'));
  if (found !== null)
    throw new Error(`${file} has a letter beyond Latin-1, which is to be escaped: ${found[0]}`);
}
