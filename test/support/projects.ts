import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The projects of the tests: `quick` starts no process and opens no port, `servers` does, `browser` drives a browser. */
export const PROJECTS = ['quick', 'servers', 'browser'] as const;
export type Project = (typeof PROJECTS)[number];

/** What starts a process or listens on a port, imported on the tests' side. */
const STARTS = new Set([
  ...[
    'node:child_process',
    'node:cluster',
    'node:dgram',
    'node:http',
    'node:http2',
    'node:https',
    'node:net',
  ],
  ...['node:tls', '@hono/node-server'],
]);
/** Runs commands through the product, on whatever machine it is handed. */
const HOST_CONTRACT = 'test/contracts/host.ts';
const BROWSER = 'playwright-core';
/** The product is not followed: what it could start, it starts when a test has a server for it. */
const FOLLOWED = /^(test|dev|bench|scripts)\//;

/**
 * Files that run once more, on PostgreSQL, as the project `postgres`: those whose subject has queries of its own. They open
 * databases by `openTestDatabase` or `openTestApp`, and assert the same.
 */
export const ON_POSTGRES: readonly string[] = [
  ...[
    'backups/missing',
    'backups/repair-backup',
    'leftovers/sweep',
    'backups/worker',
    'http/api/runs',
    'http/api/auth',
  ],
  ...['http/api/changed-storage', 'http/api/databases', 'http/api/downloads', 'http/api/environments'],
  ...[
    'http/api/left-behind',
    'http/api/prefixes',
    'http/api/schedules',
    'http/api/servers',
    'http/api/spaces',
    'http/api/tokens',
    'http/api/users',
  ],
  ...[
    'http/metrics',
    'http/second-factor',
    'http/second-factor-guesses',
    'http/sessions',
    'http/sign-in',
    'runs/periodic',
    'schedules/scheduler',
  ],
  ...[
    'secrets/reseal',
    'restores/record-restored',
    'restores/taken-since',
    'leftovers/restored-into',
    'drills/find-drilled',
    'oidc/ways-in',
  ],
].map((name) => `test/${name}.test.ts`);

/**
 * Files that take a quarter of a minute and longer, and are short. Where no earlier run has left its times, vitest takes short files
 * for quick ones and begins them last, so that at the end one of two cores has nothing to do.
 */
export const LONG: readonly string[] = [
  'test/real/round-trip.test.ts',
  'test/runs/replicas.test.ts',
  'test/faults/replicas.test.ts',
  'test/engines/sqlite-hostile.test.ts',
  'test/object-stores/s3/swift.test.ts',
  'test/dev/bucket/clients.test.ts',
  'test/object-stores/s3/rgw.test.ts',
  'test/real/mysql.test.ts',
  'test/crash/crash.test.ts',
  'test/restores/faults.test.ts',
  'test/restores/postgres.test.ts',
  'test/restores/round-trips.test.ts',
  'test/restores/kill.test.ts',
  'test/engines/mysql-restore.test.ts',
  'test/hosts/local.test.ts',
  'test/object-stores/deep-test/rgw.test.ts',
  'test/faults/patience.test.ts',
  'test/object-stores/s3/profile-contracts.test.ts',
  'test/notifications/killed.test.ts',
  'test/notifications/beside-runs.test.ts',
  'test/browser/every-page.test.ts',
];

/** Test files, from the root of the repository. */
export function testFiles(): readonly string[] {
  return readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.test\.tsx?$/.test(name))
    .map((name) => `test/${name}`)
    .sort();
}

/**
 * Told by what a file imports, through every file of the tests' side, so that there is no list to keep: a test becomes
 * one of `servers` by importing what starts one.
 */
export function projectOf(file: string, read: (file: string) => string = readSource): Project {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const waiting = [file];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    for (const target of valueImports(read(next))) {
      if (!target.startsWith('.')) packages.add(target);
      else {
        const path = relative(ROOT, join(ROOT, dirname(next), target));
        if (FOLLOWED.test(path)) waiting.push(path);
      }
    }
  }
  if (packages.has(BROWSER)) return 'browser';
  return seen.has(HOST_CONTRACT) || [...packages].some((name) => STARTS.has(name)) ? 'servers' : 'quick';
}

/** What a source imports to run; types are nothing to run. */
function valueImports(source: string): readonly string[] {
  const found = [
    ...source.matchAll(/^(?:import|export)\s+(type\s)?([^;'"]*?)from\s+['"]([^'"]+)['"]/gm),
    ...source.matchAll(/^import\s+()()['"]([^'"]+)['"]/gm),
    ...source.matchAll(/\bimport\(()()['"]([^'"]+)['"]\)/g),
  ];
  return found
    .filter(([, type, names = '']) => !type && !isTypesOnly(names))
    .map(([, , , target = '']) => target);
}

function isTypesOnly(names: string): boolean {
  return /^\{\s*(type [^,}]+,?\s*)+\}\s*$/.test(names);
}

const sources = new Map<string, string>();
function readSource(file: string): string {
  const path = join(ROOT, file);
  const known = sources.get(file);
  if (known !== undefined) return known;
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  sources.set(file, text);
  return text;
}
