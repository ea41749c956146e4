import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { AppError } from '../../errors.ts';
import type { AssetEncoding, Assets } from '../../services-port.ts';

/** A file under `/assets/`, and where it lies in a checkout; the build copies each to `dist/assets/<name>`. */
interface AssetFile {
  readonly name: string;
  readonly contentType: string;
  /** Of our own it may be several, which are joined in their order. */
  readonly source: { readonly package: string } | { readonly own: readonly string[] };
}

/** Each area of pages has a file in public/styles; a later one wins over an earlier. */
const STYLES = [
  'tokens',
  'frame',
  'forms',
  'parts',
  'tables',
  'dialog',
  'charts',
  'overview',
  'databases',
  'database',
  'backup',
  'runs',
  'run-log',
  'schedules',
  'restore',
  'retention',
  'setup',
  'access',
  'audit',
  'notifications',
  'storage',
  'reference',
] as const;

const FILES: readonly AssetFile[] = [
  {
    name: 'pico.css',
    contentType: 'text/css; charset=utf-8',
    source: { package: '@picocss/pico/css/pico.min.css' },
  },
  {
    name: 'htmx.js',
    contentType: 'text/javascript; charset=utf-8',
    source: { package: 'htmx.org/dist/htmx.min.js' },
  },
  {
    name: 'zxcvbn.js',
    contentType: 'text/javascript; charset=utf-8',
    source: { package: '@zxcvbn-ts/core/dist/zxcvbn-ts.js' },
  },
  {
    name: 'zxcvbn-common.js',
    contentType: 'text/javascript; charset=utf-8',
    source: { package: '@zxcvbn-ts/language-common/dist/zxcvbn-ts.js' },
  },
  {
    name: 'password-strength.js',
    contentType: 'text/javascript; charset=utf-8',
    source: { own: ['password-strength.js'] },
  },
  {
    name: 'ui.js',
    contentType: 'text/javascript; charset=utf-8',
    source: { own: ['ui.js'] },
  },
  {
    name: 'app.css',
    contentType: 'text/css; charset=utf-8',
    source: { own: STYLES.map((area) => `styles/${area}.css`) },
  },
  { name: 'icon.svg', contentType: 'image/svg+xml', source: { own: ['icon.svg'] } },
];

/** The build has time for more. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } };

/** How a file may be sent, the best first; the build leaves each beside it, with this ending. */
const ENCODINGS = [
  { encoding: 'br', ending: '.br', compress: promisify(brotliCompress), options: BROTLI },
  { encoding: 'gzip', ending: '.gz', compress: promisify(gzip), options: {} },
] as const;

/** Characters of the hash in a name: of 10 files, none will ever have another's. */
const HASH_LENGTH = 12;

interface Kept {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly hash: string;
  /** By encoding, from when it was first asked for. */
  readonly encoded: Map<AssetEncoding, Promise<Uint8Array<ArrayBuffer>>>;
}

/**
 * The files of our own origin, each read once and kept. Works from the sources, where it compresses them itself, and from
 * the bundle in `dist/`.
 */
export function createAssets(): Assets {
  const kept = new Map<string, Kept>();
  const keep = (file: AssetFile): Kept => {
    const known = kept.get(file.name);
    if (known !== undefined) return known;
    const body = readFirst(file);
    const hash = createHash('sha256').update(body).digest('hex').slice(0, HASH_LENGTH);
    const read: Kept = { body, hash, encoded: new Map() };
    kept.set(file.name, read);
    return read;
  };
  const hashOf = (file: AssetFile): string | null => {
    try {
      return keep(file).hash;
    } catch {
      return null;
    }
  };
  return {
    urlOf(name) {
      const file = FILES.find((candidate) => candidate.name === name);
      if (file === undefined) throw new AppError('internal', `There is no asset ${name}.`);
      // A page that lacks its style still says what it has to: only the request for the file fails.
      const hash = hashOf(file);
      return `/assets/${hash === null ? name : name.replace(/\.(\w+)$/, `.${hash}.$1`)}`;
    },
    async read(asked, encodings) {
      const [, stem, hash, ending] = HASHED.exec(asked) ?? [];
      const name = hash === undefined ? asked : `${stem}.${ending}`;
      const file = FILES.find((candidate) => candidate.name === name);
      if (file === undefined) return null;
      const { body, hash: present, encoded } = keep(file);
      const found = { contentType: file.contentType, hash: present, isCurrent: hash === present };
      const chosen = ENCODINGS.find(({ encoding }) => encodings.includes(encoding));
      if (chosen === undefined) return { ...found, body, encoding: null };
      const { encoding } = chosen;
      const compressed = encoded.get(encoding) ?? compressedAs(chosen, file, body);
      encoded.set(encoding, compressed);
      return { ...found, body: await compressed, encoding };
    },
  };
}

const HASHED = new RegExp(`^([\\w-]+)\\.([0-9a-f]{${HASH_LENGTH}})\\.(\\w+)$`);

/** What the build has compressed, which takes it longer and is smaller; else compressed now. */
async function compressedAs(
  { ending, compress, options }: (typeof ENCODINGS)[number],
  file: AssetFile,
  body: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await readFile(new URL(`./assets/${file.name}${ending}`, import.meta.url)));
  } catch {
    // Of the sources there is none.
    return new Uint8Array(await compress(body, options));
  }
}

/** Where each asset lies in a checkout, for the build that joins the parts of each into `dist/assets`. */
export function assetSources(): readonly { readonly name: string; readonly paths: readonly URL[] }[] {
  return FILES.map((file) => ({ name: file.name, paths: sourcesOf(file) }));
}

function sourcesOf({ source }: AssetFile): readonly URL[] {
  if ('own' in source) return source.own.map((path) => new URL(`../../../public/${path}`, import.meta.url));
  return [new URL(`file://${createRequire(import.meta.url).resolve(source.package)}`)];
}

/** At once: a page's addresses need the hashes, and these are a few small files, read once. */
function readFirst(file: AssetFile): Uint8Array<ArrayBuffer> {
  const failures: unknown[] = [];
  for (const place of [() => [new URL(`./assets/${file.name}`, import.meta.url)], () => sourcesOf(file)]) {
    try {
      return new Uint8Array(Buffer.concat(place().map((path) => readFileSync(path))));
    } catch (failure) {
      failures.push(failure);
    }
  }
  throw new AppError('internal', 'A file of the user interface is missing: run the build again.', {
    cause: new AggregateError(failures),
  });
}
