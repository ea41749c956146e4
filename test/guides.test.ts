import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const scripts: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
).scripts;

describe.each(['ARCHITECTURE.md', 'CONTRIBUTING.md'])('%s', (page) => {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const code = [...text.matchAll(/`([^`]+)`/g)].map(([, found = '']) => found);

  it('names only files and folders that are there', () => {
    const paths = code.filter((found) =>
      /^(src|views|migrations|dev|bench|scripts|test|docs)\/[\w./-]*$/.test(found),
    );
    expect(paths.length).toBeGreaterThan(3);
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('names only commands that there are', () => {
    const commands = code.flatMap((found) =>
      [...found.matchAll(/^npm run (\S+)/g)].map(([, name = '']) => name),
    );
    expect(commands.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });

  it('fits on a page', () => {
    expect(text.split('\n').length).toBeLessThan(100);
  });
});
