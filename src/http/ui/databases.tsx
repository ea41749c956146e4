import { type Context, Hono } from 'hono';
import type { z } from 'zod';
import { BucketField, EditDatabasePage, NewDatabasePage } from '../../../views/database-form.tsx';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { createDatabase, getDatabase, updateDatabase } from '../../databases/databases.ts';
import type { Engine } from '../../engines/engine.ts';
import { engineFor, engines } from '../../engines/engines.ts';
import { AppError, isAppError } from '../../errors.ts';
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
import { goTo } from './kit/flash.ts';
import { type FormBody, readForm } from './kit/form-body.ts';
import { askAgain, failedForm, refusedForm } from './kit/form-failure.ts';
import { environmentFrame } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendFragment, sendPage } from './kit/send.tsx';
import type { UiEnv } from './kit/ui-env.ts';

const SECRETS = ['username', 'password'];

/** The forms of databases. The list is in `database-list.tsx`, the page of one database in `database.tsx`. */
export function databaseRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

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
      return goTo(c, services, `/databases/${id}`, 'database-created');
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
    return goTo(c, services, `/databases/${id}`, 'database-saved');
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
