import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterEach, describe, expect, it } from 'vitest';
import { assetSources, createAssets } from '../../../src/http/node/assets.ts';
import { Document } from '../../../views/frame/document.tsx';
import { freshForm } from '../../../views/parts/form-state.ts';
import { NewPasswordField } from '../../../views/parts/new-password-field.tsx';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

describe('the styles', () => {
  it('are one asset, of every file in public/styles and nothing else', async () => {
    const files = await readdir('public/styles');
    expect(files).toHaveLength(styles().length);
    const texts = await Promise.all(styles().map((path) => readFile(path, 'utf8')));
    const css = await createAssets().read('app.css');
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
    const names = [...page.matchAll(/(?:href|src)="\/assets\/([^"]+)"/g)].map(([, name = '']) => name);
    expect(names.toSorted()).toEqual(
      assetSources()
        .map(({ name }) => name)
        .toSorted(),
    );
    const assets = createAssets();
    for (const name of names) {
      const asset = await assets.read(name);
      expect(asset?.body.byteLength).toBeGreaterThan(100);
      expect(asset?.contentType).toMatch(/^(text\/css|text\/javascript|image\/svg\+xml)/);
    }
  });

  it('are no other files, whatever the name', async () => {
    for (const name of ['', 'x.css', '../../../package.json', '/etc/passwd', 'constructor', 'app.css/..']) {
      expect(await createAssets().read(name)).toBeNull();
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
    const css = await bundle.createAssets().read('app.css');
    expect(Buffer.from(css?.body ?? []).toString()).toBe('/* app.css */');
  });
});
