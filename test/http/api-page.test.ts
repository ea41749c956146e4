import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { apiGroups } from '../../src/http/api/routes.ts';
import { createReference } from '../../src/http/ui/reference/reference.ts';
import type { RouteGroup } from '../../views/reference/reference.ts';
import { openTestApp } from '../support/app.ts';

const PAGE = resolve(import.meta.dirname, '../../docs/api.md');
const TABLE = /<!-- routes: ([\w-]+) -->\n[\s\S]*?<!-- \/routes -->/g;

/** Fails where a declaration says something else than the page; `npm run api-docs` writes the tables anew, and nothing around them. */
it('docs/api.md has the routes as they are declared', async () => {
  const app = await openTestApp({ withoutUsers: true });
  const { groups } = createReference(apiGroups(app.services));
  await app.close();
  const text = readFileSync(PAGE, 'utf8');
  expect([...text.matchAll(TABLE)].map(([, name]) => name)).toEqual(groups.map(({ name }) => name));
  const anew = text.replaceAll(TABLE, (_, name: string) => {
    const group = groups.find((one) => one.name === name);
    return `<!-- routes: ${name} -->\n${group === undefined ? '' : tableOf(group)}\n<!-- /routes -->`;
  });
  await expect(anew).toMatchFileSnapshot(join(PAGE), 'run `npm run api-docs`');
});

function tableOf({ routes }: RouteGroup): string {
  const rows = routes.map(
    ({ method, path, least, summary }) =>
      `| \`${method} ${path}\` | ${least} | ${summary.replaceAll('|', '\\|')} |`,
  );
  return ['| Route | Least role | |', '|---|---|---|', ...rows].join('\n');
}
