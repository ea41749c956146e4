import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { AppError } from '../../errors.ts';
import type { Assets } from '../../services-port.ts';

/** A file under `/assets/`, and where it lies in a checkout; the build copies each to `dist/assets/<name>`. */
interface AssetFile {
  readonly name: string;
  readonly contentType: string;
  readonly source: { readonly package: string } | { readonly own: string };
}

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
    source: { own: '../../../public/password-strength.js' },
  },
  { name: 'app.css', contentType: 'text/css; charset=utf-8', source: { own: '../../../public/app.css' } },
  { name: 'icon.svg', contentType: 'image/svg+xml', source: { own: '../../../public/icon.svg' } },
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

/** Where each asset lies in a checkout, for the build that copies them to `dist/assets`. */
export function assetSources(): readonly { readonly name: string; readonly path: URL }[] {
  return FILES.map((file) => ({ name: file.name, path: sourceOf(file) }));
}

function placesOf(file: AssetFile): readonly (() => URL)[] {
  return [() => new URL(`./assets/${file.name}`, import.meta.url), () => sourceOf(file)];
}

function sourceOf({ source }: AssetFile): URL {
  if ('own' in source) return new URL(source.own, import.meta.url);
  return new URL(`file://${createRequire(import.meta.url).resolve(source.package)}`);
}

async function readFirst(places: readonly (() => URL)[]): Promise<Uint8Array<ArrayBuffer>> {
  const failures: unknown[] = [];
  for (const place of places) {
    try {
      return new Uint8Array(await readFile(place()));
    } catch (failure) {
      failures.push(failure);
    }
  }
  throw new AppError('internal', 'A file of the user interface is missing: run the build again.', {
    cause: new AggregateError(failures),
  });
}
