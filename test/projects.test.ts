import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LONG, ON_POSTGRES, projectOf, testFiles } from './support/projects.ts';

const projectIn = (files: Readonly<Record<string, string>>) =>
  projectOf('test/a.test.ts', (file) => files[file] ?? '');

describe('the project of a test file', () => {
  it('is quick where nothing that it imports starts a process or opens a port', () => {
    const files = {
      'test/a.test.ts': `import { x } from './support/x.ts';\nimport type { Server } from 'node:http';`,
      'test/support/x.ts': `import { type Socket } from 'node:net';\nimport { readFile } from 'node:fs/promises';`,
    };
    expect(projectIn(files)).toBe('quick');
  });

  it.each([
    ['an import', `import { spawn } from 'node:child_process';`],
    ['an import over lines', `import {\n  type Socket,\n  createServer,\n} from 'node:net';`],
    ['a namespace', `import * as net from 'node:net';`],
    ['an export', `export { serve } from '@hono/node-server';`],
    ['an import while it runs', `const load = () => import('node:child_process');`],
  ])('is servers where %s far away does', (_, source) => {
    const files = {
      'test/a.test.ts': `import './support/x.ts';`,
      'test/support/x.ts': `import { y } from '../../dev/y.ts';`,
      'dev/y.ts': source,
    };
    expect(projectIn(files)).toBe('servers');
  });

  it('is servers where the contract of a host is run, whose commands the product starts', () => {
    const files = { 'test/a.test.ts': `import { hostContract } from './contracts/host.ts';` };
    expect(projectIn(files)).toBe('servers');
  });

  it('is browser where it drives one, whatever else it starts', () => {
    const files = { 'test/a.test.ts': `import 'node:net';\nimport { chromium } from 'playwright-core';` };
    expect(projectIn(files)).toBe('browser');
  });

  it('does not follow the product, which starts nothing by itself', () => {
    const files = { 'test/a.test.ts': `import '../src/x.ts';`, 'src/x.ts': `import 'node:net';` };
    expect(projectIn(files)).toBe('quick');
  });

  it('is found out for the files that there are', () => {
    const found = testFiles().map((file) => [file, projectOf(file)]);
    expect(found).toContainEqual(['test/cidr.test.ts', 'quick']);
    expect(found).toContainEqual(['test/real/mysql.test.ts', 'servers']);
    expect(found).toContainEqual(['test/db/migrate.test.ts', 'servers']);
    expect(found).toContainEqual(['test/dev/bucket/objects.test.ts', 'servers']);
    const browser = found.filter(([, project]) => project === 'browser').map(([file]) => file);
    expect(browser).toEqual(testFiles().filter((file) => file.startsWith('test/browser/')));
    expect(found.filter(([, project]) => project === 'quick').length).toBeGreaterThan(50);
  });
});

it('Every file that begins first is there', () => {
  expect(LONG.filter((file) => !testFiles().includes(file))).toEqual([]);
});

it('Every file that runs on PostgreSQL too is there, once', () => {
  expect(ON_POSTGRES.filter((file) => !testFiles().includes(file))).toEqual([]);
  expect(ON_POSTGRES).toHaveLength(new Set(ON_POSTGRES).size);
});

describe('a file that shares a server', () => {
  // Beds and rounds that test files share ask for it as well; what shares it out does not.
  const sharing = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.startsWith(join('support', 'shared')))
    .map((name) => ({ file: `test/${name}`, text: readFileSync(join(import.meta.dirname, name), 'utf8') }))
    .filter(({ text }) => /\bshared(Postgres|Mariadb)\(/.test(text));

  it('leaves its settings, its users and the connections of others alone', () => {
    expect(sharing.length).toBeGreaterThan(5);
    expect(sharing.map(({ file }) => file)).toContain('test/runs/replicas.ts');
    const others =
      /\b(alter system|set (persist|global)|(create|alter|drop) (role|user(?! mapping))|pg_terminate_backend|pg_reload_conf|flush|install soname|kill \$)/i;
    expect(sharing.filter(({ text }) => others.test(text)).map(({ file }) => file)).toEqual([]);
  });

  it('names its databases as its own', () => {
    const fixed = /createDatabase\(['"`](?!restored['"`])/;
    expect(sharing.filter(({ text }) => fixed.test(text)).map(({ file }) => file)).toEqual([]);
  });
});
