import { type Context, Hono } from 'hono';
import type { z } from 'zod';
import { BucketField, EditDatabasePage, NewDatabasePage } from '../../../views/database-form.tsx';
import { type DatabaseItem, DatabasesPage } from '../../../views/databases.tsx';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import type { Protection } from '../../backups/protection.ts';
import { protectionOf } from '../../backups/protection-of.ts';
import { createDatabase, deleteDatabase, getDatabase, updateDatabase } from '../../databases/databases.ts';
import { type ListedDatabase, listDatabases } from '../../databases/lists.ts';
import { databaseType } from '../../databases/types.ts';
import type { Engine } from '../../engines/engine.ts';
import { engineFor, engines } from '../../engines/engines.ts';
import { AppError, isAppError } from '../../errors.ts';
import { namesOfServers } from '../../servers/servers.ts';
import type { Services } from '../../services-port.ts';
import { bucketChoices } from './bucket-choices.ts';
import {
  bucketFormOf,
  databaseValues,
  formChoices,
  newDatabaseValues,
  parseDatabaseChange,
  parseNewDatabase,
} from './database-form.ts';
import { actorOf } from './kit/actor.ts';
import { type FormBody, readForm } from './kit/form-body.ts';
import { askAgain, failedForm, refusedForm } from './kit/form-failure.ts';
import { environmentFrame } from './kit/frame.ts';
import { withNotice } from './kit/notices.ts';
import { pageOf } from './kit/paging.ts';
import { only } from './kit/roles.ts';
import { sendFragment, sendPage } from './kit/send.ts';
import type { UiEnv } from './kit/ui-env.ts';

const SECRETS = ['username', 'password'];
const PER_PAGE = 50;

/** Operations > Databases: the list and the forms. The page of one database is in `database.tsx`. */
export function databaseRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/environments/:environmentId/databases', only('viewer'), async (c) => {
    const { frame, environment } = await environmentFrame(c, services, c.req.param('environmentId'));
    const page = pageOf(c, PER_PAGE);
    const { databases, total } = await listDatabases(services.db, environment.id, page);
    const serverIds = new Set(databases.flatMap(({ serverId }) => serverId ?? []));
    const serverNames = await namesOfServers(services.db, [...serverIds]);
    const known = await protectionOf(
      services,
      databases.map(({ id }) => id),
    );
    return sendPage(
      c,
      <DatabasesPage
        frame={frame}
        environment={environment}
        databases={databases.map((database) => toItem(database, serverNames, known.get(database.id)))}
        page={{ ...page, total }}
      />,
    );
  });

  ui.get('/environments/:environmentId/databases/new', only('operator'), async (c) =>
    sendNew(c, services, c.req.param('environmentId'), null),
  );

  ui.post('/environments/:environmentId/databases/new', only('operator'), async (c) => {
    const environmentId = c.req.param('environmentId');
    const body = await readForm(c);
    const parsed = parseNewDatabase(chosenEngine(c), body);
    if (!parsed.success) {
      return sendNew(c, services, environmentId, refused(body, parsed.error.issues));
    }
    try {
      const { id } = await createDatabase(services, actorOf(c, services), environmentId, parsed.data);
      return c.redirect(withNotice(`/databases/${id}`, 'database-created'), 303);
    } catch (error) {
      return sendNew(c, services, environmentId, failed(body, error));
    }
  });

  ui.get('/environments/:environmentId/bucket-field', only('operator'), async (c) => {
    const form = bucketFormOf(c.req.query());
    try {
      const buckets = await bucketChoices(services, c.req.raw.signal);
      return sendFragment(c, <BucketField form={form} buckets={buckets} help={null} source={null} />);
    } catch (error) {
      if (!isAppError(error, 'invalid')) throw error;
      return sendFragment(c, <BucketField form={form} buckets={null} help={error.message} source={null} />);
    }
  });

  ui.get('/databases/:databaseId/edit', only('operator'), async (c) =>
    sendEdit(c, services, c.req.param('databaseId'), null),
  );

  ui.post('/databases/:databaseId/edit', only('operator'), async (c) => {
    const id = c.req.param('databaseId');
    const before = await getDatabase(services.db, id);
    const body = await readForm(c);
    const parsed = parseDatabaseChange(engineOf(before.type), body, before);
    if (!parsed.success) return sendEdit(c, services, id, refused(body, parsed.error.issues));
    try {
      await updateDatabase(services, actorOf(c, services), id, parsed.data);
    } catch (error) {
      return sendEdit(c, services, id, failed(body, error));
    }
    return c.redirect(withNotice(`/databases/${id}`, 'database-saved'), 303);
  });

  ui.post('/databases/:databaseId/delete', only('operator'), async (c) => {
    const { id, environmentId } = await getDatabase(services.db, c.req.param('databaseId'));
    await deleteDatabase(services, actorOf(c, services), id);
    return c.redirect(withNotice(`/environments/${environmentId}/databases`, 'database-deleted'), 303);
  });

  return ui;
}

function refused(body: FormBody, issues: readonly z.core.$ZodIssue[]): FormState {
  return askAgain(refusedForm(body, issues, SECRETS), body, SECRETS);
}

function failed(body: FormBody, error: unknown): FormState {
  return askAgain(failedForm(body, error, SECRETS), body, SECRETS);
}

/** The form of a new database; with a refused one it says so and answers 422. */
async function sendNew(c: Context<UiEnv>, services: Services, environmentId: string, sent: FormState | null) {
  const { frame, environment } = await environmentFrame(c, services, environmentId);
  const engine = chosenEngine(c);
  const choices = await formChoices(services, environment, engine, false);
  return sendPage(
    c,
    <NewDatabasePage
      frame={frame}
      environment={environment}
      engines={engines}
      choices={choices}
      form={sent ?? freshForm(newDatabaseValues(engine, choices.spacesEnabled))}
    />,
    sent === null ? 200 : 422,
  );
}

async function sendEdit(c: Context<UiEnv>, services: Services, id: string, sent: FormState | null) {
  const database = await getDatabase(services.db, id);
  const { frame, environment } = await environmentFrame(c, services, database.environmentId);
  const engine = engineOf(database.type);
  return sendPage(
    c,
    <EditDatabasePage
      frame={frame}
      database={database}
      choices={await formChoices(services, environment, engine, database.hasCredentials)}
      form={sent ?? freshForm(databaseValues(engine, database))}
    />,
    sent === null ? 200 : 422,
  );
}

function chosenEngine(c: Context<UiEnv>): Engine {
  return engineOf(c.req.query('type') ?? engines[0]?.type ?? '');
}

/** Throws `invalid` for a type that can't be backed up: the form is built from what the engine declares. */
function engineOf(type: string): Engine {
  const engine = engineFor(type);
  if (engine === undefined) {
    throw new AppError(
      'invalid',
      `Databases of type ${type} can't be edited here: there is no backup engine for it.`,
    );
  }
  return engine;
}

function toItem(
  database: ListedDatabase,
  serverNames: ReadonlyMap<string, string>,
  known: Protection | undefined,
): DatabaseItem {
  return {
    id: database.id,
    name: database.name,
    typeName: databaseType(database.type)?.displayName ?? database.type,
    serverName: database.serverId === null ? 'this machine' : (serverNames.get(database.serverId) ?? '–'),
    destination:
      database.backupStorageType === 'spaces'
        ? `bucket ${database.backupSpacesBucket ?? '(none)'}`
        : 'server',
    protection: { state: known?.state ?? 'never', lastGoodAt: known?.lastGood?.at ?? null },
    lastBackup: database.lastBackup,
  };
}
