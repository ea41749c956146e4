import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { AppError } from '../../errors.ts';
import type { Assets } from '../../services-port.ts';

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
  'schedules',
  'retention',
  'setup',
  'storage',
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

/** The files of our own origin, each read once and kept. Works from the sources and from the bundle in `dist/`. */
export function createAssets(): Assets {
  const kept = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();
  return {
    async read(name) {
      const file = FILES.find((candidate) => candidate.name === name);
      if (!file) return null;
      const body = kept.get(name) ?? readFirst(placesOf(file));
      kept.set(name, body);
      return { body: await body, contentType: file.contentType };
    },
  };
}

/** Where each asset lies in a checkout, for the build that joins the parts of each into `dist/assets`. */
export function assetSources(): readonly { readonly name: string; readonly paths: readonly URL[] }[] {
  return FILES.map((file) => ({ name: file.name, paths: sourcesOf(file) }));
}

function placesOf(file: AssetFile): readonly (() => readonly URL[])[] {
  return [() => [new URL(`./assets/${file.name}`, import.meta.url)], () => sourcesOf(file)];
}

function sourcesOf({ source }: AssetFile): readonly URL[] {
  if ('own' in source) return source.own.map((path) => new URL(`../../../public/${path}`, import.meta.url));
  return [new URL(`file://${createRequire(import.meta.url).resolve(source.package)}`)];
}

async function readFirst(places: readonly (() => readonly URL[])[]): Promise<Uint8Array<ArrayBuffer>> {
  const failures: unknown[] = [];
  for (const place of places) {
    try {
      return new Uint8Array(Buffer.concat(await Promise.all(place().map((path) => readFile(path)))));
    } catch (failure) {
      failures.push(failure);
    }
  }
  throw new AppError('internal', 'A file of the user interface is missing: run the build again.', {
    cause: new AggregateError(failures),
  });
}
