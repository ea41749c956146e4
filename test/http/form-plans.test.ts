import { afterAll, beforeAll, expect, it } from 'vitest';
import { LOGIN } from '../../dev/fill/fill.ts';
import { newId } from '../../src/ids.ts';
import { newRule } from '../../src/schedules/fields.ts';
import { createRule } from '../../src/schedules/rules.ts';
import { createToken } from '../../src/tokens/tokens.ts';
import { type FilledApp, openFilledApp } from '../support/filled-app.ts';
import { namesInPaths, pickIds } from '../support/filled-ids.ts';
import { walkBackups, walkSchedules } from '../support/form-walk/backups.ts';
import { walkCatalog, walkDatabases } from '../support/form-walk/catalog.ts';
import { walkInstallation, walkRemovals } from '../support/form-walk/installation.ts';
import { walkAccount, walkPeople } from '../support/form-walk/people.ts';
import { createFormWalk } from '../support/form-walk/walk.ts';

/**
 * Every form of the pages is sent with what it wants, and what that asks of a filled installation's database is planned. Of the pages
 * themselves and of the API see query-plans.test.ts.
 */

/** What reaches for a host first, where nothing answers, or wants what only a restore on one has made: the form comes back and says so. */
const NOWHERE = [
  ...['/restores/:id/clean-up', '/restores/:id/drop', '/restores/:id/drop-kept', '/restores/:id/rename'],
  '/servers/:serverId/find',
];
/** For somebody who has no session yet, of which there is one here. */
const WITHOUT_SESSION = ['/login/code', '/setup'];

let filled: FilledApp;
beforeAll(async () => {
  filled = await openFilledApp({ environments: 4, servers: 8, databases: 40, backups: 3000 });
});
afterAll(() => filled.app.close());

it('no form of a page has a large table read or sorted whole', async () => {
  const { app, db } = filled;
  const ids = await pickIds(db);
  const nobody = { userId: null, address: null };
  await createRule(app.services, nobody, newRule.parse({ name: 'all', cronExpression: '0 3 * * *' }));
  await app.call('PUT', '/api/settings/system', { body: { privateHosts: '127.0.0.1' } });
  const walk = createFormWalk(filled, {
    ids,
    names: { ...(await namesInPaths(db, ids)), ...(await namesInForms()) },
  });
  filled.forget();
  await walkAccount(walk);
  await walkPeople(walk);
  await walkCatalog(walk);
  await walkDatabases(walk);
  await walkBackups(walk);
  await walkSchedules(walk);
  await walkInstallation(walk);
  await walkRemovals(walk);

  expect(walk.refused.filter(({ pattern }) => !NOWHERE.includes(pattern))).toEqual([]);
  expect(walk.refused.map(({ pattern }) => pattern).toSorted()).toEqual(NOWHERE);
  const forms = app.app.routes.filter(({ method, path }) => method === 'POST' && !/^\/api|\*/.test(path));
  const missing = new Set(forms.map(({ path }) => path).filter((path) => !walk.walked.has(path)));
  expect([...missing].toSorted()).toEqual(WITHOUT_SESSION);
  expect(walk.walked.size).toBeGreaterThan(100);
  await filled.expectSmallPlans();
});

/** Of somebody who is not who sends them, but for what is one's own. */
async function namesInForms(): Promise<Readonly<Record<string, string>>> {
  const { app, db } = filled;
  const users = db.selectFrom('users').select('id');
  const { id: person } = await users.where('email', 'like', 'person-%').executeTakeFirstOrThrow();
  const { id: admin } = await users.where('email', '=', LOGIN.email).executeTakeFirstOrThrow();
  const notifications = db.selectFrom('notifications').select('id').where('user_id', '=', admin);
  const restores = db.selectFrom('restores').select(['id', 'kept_name', 'new_name']);
  const done = await restores
    .where('state', '=', 'done')
    .where('kept_state', 'is', null)
    .executeTakeFirstOrThrow();
  const left = await restores.where('state', '=', 'left').executeTakeFirstOrThrow();
  const kept = await restores.where('kept_state', '=', 'kept').executeTakeFirstOrThrow();
  const created_at = new Date().toISOString();
  const session = { id: newId(), user_id: admin, kind: 'api', created_at } as const;
  await db
    .insertInto('sessions')
    .values({ ...session, expires_at: '2099-01-01T00:00:00.000Z' })
    .execute();
  await db
    .insertInto('second_factors')
    .values({ id: person, secret: '', confirmed_at: created_at, last_step: null, created_at })
    .execute();
  const token = { name: 'x', role: 'viewer', access: 'full', allEnvironments: true } as const;
  const nobody = { userId: null, address: null };
  const { record } = await createToken(
    app.services,
    nobody,
    { userId: admin },
    { ...token, expiresInDays: 9 },
  );
  return {
    ...{ done: done.id, doneName: done.new_name },
    ...{ left: left.id, leftName: left.new_name, kept: kept.id, keptName: kept.kept_name ?? '' },
    ...{ admin, users: person, sessions: session.id, tokens: record.id },
    notifications: (await notifications.executeTakeFirstOrThrow()).id,
  };
}
