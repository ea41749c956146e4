import { afterAll, beforeAll, expect, it } from 'vitest';
import { lookAtLive } from '../../src/engines/postgres/live/state.ts';
import { postgres } from '../../src/engines/postgres/postgres.ts';
import { restorePostgres } from '../../src/engines/postgres/restore.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { ownName } from '../support/shared/ask.ts';
import { sharedPostgres } from '../support/shared/postgres.ts';
import { runOn } from './restoring.ts';
import { runInShell } from './shell.ts';

/** By what a restored database is known as the one that was made. */

let server: TestPostgres;
let made: string;
const mark = ownName('named');
const name = `shop ü"😀' $x$ ${mark}`;
const renamed = `${name} mine`;
const quoted = (one: string) => `"${one.replaceAll('"', '""')}"`;

beforeAll(async () => {
  server = await sharedPostgres();
  await server.createDatabase(name);
  const literal = `'${name.replaceAll("'", "''")}'`;
  const [row] = await server.query(`SELECT oid::text FROM pg_database WHERE datname = ${literal}`);
  made = `${row?.['oid']} - -`;
});
afterAll(async () => {
  for (const one of [name, renamed]) await server.dropDatabase(one);
  await server.stop();
});

function planOf(madeIn: string | null, isThatOne = false) {
  return restorePostgres({
    ...{ host: '127.0.0.1', port: server.port, databaseName: name, ...server.superuser },
    ...{ options: postgres.options.parse({}), newName: name, token: mark.replaceAll(/\W/g, '') },
    ...{ format: 'plain', serverVersion: null, clientVersion: null, expectedBytes: null, needs: null },
    ...{ made, madeIn, isThatOne },
  });
}

async function isNamed(plan: ReturnType<typeof planOf>): Promise<boolean> {
  if (plan.isNamed === undefined) throw new Error('a plan that can not tell');
  return plan.isNamed.read(await runOn(plan, plan.isNamed.command));
}
const finish = (plan: ReturnType<typeof planOf>) => runOn(plan, plan.finish ?? plan.create);
const remove = (plan: ReturnType<typeof planOf>) => runOn(plan, plan.remove);

it('its OID is its own on its own server alone, unless somebody has looked', async () => {
  const { preflight } = planOf(null);
  const here = preflight.place?.(await runOn(preflight, preflight.command)) ?? '';
  expect(here).toMatch(/^\d{19}$/);
  const asked = { code: 'conflict', details: { field: 'isThatOne' } };
  await expect(isNamed(planOf('1'))).rejects.toMatchObject(asked);
  await expect(finish(planOf('1'))).rejects.toMatchObject(asked);
  for (const plan of [planOf(here), planOf(null), planOf('1', true)]) {
    expect(await isNamed(plan)).toBe(true);
    await finish(plan);
  }
});

it('and is not gone where somebody has renamed it', async () => {
  const { preflight } = planOf(null);
  const here = preflight.place?.(await runOn(preflight, preflight.command)) ?? '';
  await server.query(`ALTER DATABASE ${quoted(name)} RENAME TO ${quoted(renamed)}`);
  expect(await isNamed(planOf(here))).toBe(false);
  await expect(remove(planOf(here))).rejects.toMatchObject({
    ...{ code: 'conflict', message: expect.stringContaining(`is there, called “${renamed}” by now`) },
    details: expect.not.objectContaining({ field: 'mayBeGone' }),
  });
  await expect(remove(planOf(null))).rejects.toMatchObject({
    ...{ message: expect.stringContaining(`the database “${renamed}” has its OID`) },
    details: { field: 'mayBeGone' },
  });
  await server.dropDatabase(renamed);
  await remove(planOf(here));
});

it.each([
  ['1', 'before', 'elsewhere'],
  ['2', 'before', 'before'],
  ['', 'before', 'untold'],
  ['', 'elsewhere', 'elsewhere'],
])('a database in use on the server %j is %s, and so %s', async (system, found, live) => {
  const script = `ask() {
  case $1 in *system_identifier*) [ -z '${system}' ] || echo '${system}'; [ '${system}' ] ;; *) echo ${found} ;; esac
}
${lookAtLive([['public', 'a', 1]], '2 17')}
look_at_live
echo "$live"`;
  const { stdout, exitCode } = await runInShell({ script });
  expect([exitCode, stdout.toString().trim()]).toEqual([0, live]);
});
