import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterEach, describe, expect, it } from 'vitest';
import { writeAssets } from '../../../scripts/build.mjs';
import { assetRoutes } from '../../../src/http/assets.ts';
import { assetSources, createAssets } from '../../../src/http/node/assets.ts';
import { Document } from '../../../views/frame/document.tsx';
import { freshForm } from '../../../views/parts/form-state.ts';
import { NewPasswordField } from '../../../views/parts/new-password-field.tsx';
import { openPages } from '../ui/pages.ts';

const KIB = 1024;
const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

describe('the styles', () => {
  it('are one asset, of every file in public/styles and nothing else', async () => {
    const files = await readdir('public/styles');
    expect(files).toHaveLength(styles().length);
    const texts = await Promise.all(styles().map((path) => readFile(path, 'utf8')));
    const css = await createAssets().read('app.css', []);
    expect(Buffer.from(css?.body ?? []).toString()).toBe(texts.join(''));
    // Tokens are there before what uses them.
    expect(styles()[0]?.pathname).toMatch(/tokens\.css$/);
  });

  const styles = () => assetSources().find(({ name }) => name === 'app.css')?.paths ?? [];
});

describe('the assets', () => {
  it('are all that pages load, each with its type', async () => {
    const field = NewPasswordField({ form: freshForm(), name: 'password', label: 'Password', least: 12 });
    const page = `${Document({ title: 'x' })}${field}`;
    const names = [...page.matchAll(/\/assets\/([^" ]+)/g)].map(([, name = '']) => name);
    expect(names.toSorted()).toEqual(
      assetSources()
        .map(({ name }) => name)
        .toSorted(),
    );
    const assets = createAssets();
    for (const name of names) {
      const asset = await assets.read(name, []);
      expect(asset?.body.byteLength).toBeGreaterThan(100);
      expect(asset?.contentType).toMatch(/^(text\/css|text\/javascript|image\/svg\+xml)/);
    }
  });

  it('are no other files, whatever the name', async () => {
    for (const name of ['', 'x.css', '../../../package.json', '/etc/passwd', 'constructor', 'app.css/..']) {
      expect(await createAssets().read(name, [])).toBeNull();
    }
  });

  it('are found beside a bundle that lies anywhere', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bridgeport-assets-'));
    folders.push(folder);
    const outfile = join(folder, 'main.js');
    await build({
      entryPoints: ['src/http/node/assets.ts'],
      bundle: true,
      format: 'esm',
      platform: 'node',
      outfile,
    });
    await mkdir(join(folder, 'assets'));
    for (const { name } of assetSources()) await writeFile(join(folder, 'assets', name), `/* ${name} */`);
    const bundle: typeof import('../../../src/http/node/assets.ts') = await import(
      pathToFileURL(outfile).href
    );
    const css = await bundle.createAssets().read('app.css', []);
    expect(Buffer.from(css?.body ?? []).toString()).toBe('/* app.css */');
  });
});

describe('an asset', () => {
  const routes = () => assetRoutes({ assets: createAssets() });
  const ask = (path: string, headers: Readonly<Record<string, string>> = {}) =>
    routes().request(path, { headers });
  const addressOf = (name: string) => createAssets().urlOf(name).replace('/assets', '');

  it('is kept for ever under the name that pages load it by, which changes with what is in it', async () => {
    const address = addressOf('ui.js');
    const source = await readFile('public/ui.js');
    const hash = createHash('sha256').update(source).digest('hex').slice(0, 12);
    expect(address).toBe(`/ui.${hash}.js`);
    const { headers } = await ask(address);
    expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  });

  it('is asked for again under its plain name, or under the name of another version', async () => {
    for (const address of ['/ui.js', '/ui.0123456789ab.js']) {
      const first = await ask(address);
      expect([address, first.status, first.headers.get('cache-control')]).toEqual([address, 200, 'no-cache']);
      const again = await ask(address, { 'if-none-match': first.headers.get('etag') ?? '' });
      expect(again.status).toBe(304);
    }
    for (const none of [
      '/ui.0123456789.js',
      '/ui.0123456789AB.js',
      '/x.0123456789ab.js',
      '/ui.js.0123456789ab',
    ]) {
      expect([none, await createAssets().read(none.slice(1), [])]).toEqual([none, null]);
    }
  });

  it('is sent smaller to whoever takes that, the best way first, and is the same', async () => {
    const plain = await readFile('node_modules/htmx.org/dist/htmx.min.js');
    const ways = [
      ['gzip, deflate, br, zstd', 'br', brotliDecompressSync],
      ['br;q=0, GZIP;q=0.5', 'gzip', gunzipSync],
      ['deflate', null, (body: Uint8Array) => body],
      ['gzip;q=0.0,br; q = 0', null, (body: Uint8Array) => body],
    ] as const;
    for (const [accepted, encoding, decompress] of ways) {
      const response = await ask(addressOf('htmx.js'), { 'accept-encoding': accepted });
      expect([accepted, response.headers.get('content-encoding')]).toEqual([accepted, encoding]);
      expect(response.headers.get('vary')).toBe('Accept-Encoding');
      const body = Buffer.from(decompress(new Uint8Array(await response.arrayBuffer())));
      expect(body.equals(plain)).toBe(true);
    }
  });

  it('is compressed by the build, our own without what only people read', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bridgeport-assets-'));
    folders.push(folder);
    const small = assetSources().filter(({ name }) => !name.startsWith('zxcvbn'));
    await writeAssets(folder, small);
    const sumOf = async (names: readonly string[], ending: string) => {
      const files = await Promise.all(names.map((name) => readFile(join(folder, name + ending))));
      return files.reduce((sum, { byteLength }) => sum + byteLength, 0);
    };
    for (const { name } of small) {
      const body = await readFile(join(folder, name));
      expect(brotliDecompressSync(await readFile(join(folder, `${name}.br`))).equals(body)).toBe(true);
      expect(gunzipSync(await readFile(join(folder, `${name}.gz`))).equals(body)).toBe(true);
    }
    expect(await readFile(join(folder, 'ui.js'), 'utf8')).not.toContain('/*');
    // What a first page takes along beside its own HTML, and the script of ours.
    const always = ['pico.css', 'app.css', 'htmx.js', 'ui.js', 'icon.svg'];
    expect(await sumOf(always, '.br')).toBeLessThan(30.5 * KIB);
    // Without https browsers take gzip alone, and with the longest list of all 3.5 KiB more than 40.
    expect(await sumOf(always, '.gz')).toBeLessThan(34 * KIB);
    expect((await readFile(join(folder, 'ui.js'))).byteLength).toBeLessThanOrEqual(4096);

    // The very first page, on which a password is chosen.
    const pages = await openPages();
    const { status, html } = await pages.visitor().get('/setup');
    await pages.close();
    const loaded = [...html.matchAll(/(?:href|src)="\/assets\/([\w-]+)\.[0-9a-f]{12}(\.\w+)"/g)];
    const names = loaded.map(([, stem = '', ending = '']) => stem + ending);
    expect([status, names.toSorted()]).toEqual([200, [...always, 'password-strength.js'].toSorted()]);
    const itself = gzipSync(html, { level: 4 }).byteLength;
    for (const ending of ['.br', '.gz']) {
      const sum = itself + (await sumOf(names, ending));
      expect([ending, sum, sum <= 40 * KIB]).toEqual([ending, sum, true]);
    }
  });
});
