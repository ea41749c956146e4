import { type Context, Hono } from 'hono';
import { EditDatabasePage, NewDatabasePage } from '../../../views/database-form.tsx';
import { BucketField } from '../../../views/database-storage-fields.tsx';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import type { TestResult } from '../../../views/parts/try-connection.tsx';
import { hasRole, refuseBelow } from '../../auth/roles.ts';
import { createDatabase, type Database, getDatabase, updateDatabase } from '../../databases/databases.ts';
import { tryChangedDatabase, tryNewDatabase } from '../../databases/draft.ts';
import type { Engine } from '../../engines/engine.ts';
import { engineFor, engines } from '../../engines/engines.ts';
import { AppError, isAppError } from '../../errors.ts';
import { scheduleAlongside } from '../../schedules/first-schedule.ts';
import { type DatabaseSchedule, getSchedule } from '../../schedules/schedules.ts';
import type { Services } from '../../services-port.ts';
import { setStorageEnabled } from '../../storage/enabled.ts';
import { mostUsedBucket } from '../../storage/in-use.ts';
import { bucketChoices } from './bucket-choices.ts';
import {
  bucketFormOf,
  databaseValues,
  duplicateValues,
  formChoices,
  newDatabaseValues,
  parseDatabaseChange,
  parseNewDatabase,
  valuesOfType,
} from './database-form.ts';
import { sendFind } from './find-databases.tsx';
import { findFromForm, typedBefore } from './find-from-form.ts';
import { actorOf } from './kit/actor.ts';
import { editForm } from './kit/edit-form.ts';
import { TYPE_AGAIN } from './kit/form-failure.ts';
import { environmentFrame } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendFragment, sendPage } from './kit/send.tsx';
import { nothingToParse, submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { both, copiedChoice, parseScheduleChoice, scheduleChoices } from './schedule-choice.ts';
import { shownTest } from './try-connections.ts';

/** The forms of databases. The list is in `database-list.tsx`, the page of one database in `database.tsx`. */
export function databaseRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/environments/:environmentId/databases/new', only('operator'), async (c) =>
    sendNew(c, services, c.req.param('environmentId'), null),
  );

  ui.post('/environments/:environmentId/databases/new', only('operator'), async (c) => {
    const environmentId = c.req.param('environmentId');
    if (c.req.query('do') === 'enable-storage') {
      return enableStorage(c, services, environmentId, (form) => sendNew(c, services, environmentId, form));
    }
    if (c.req.query('do') === 'find') {
      return findFromForm(c, services, environmentId, {
        refuse: (form) => sendNew(c, services, environmentId, form),
        find: (serverId, values) => sendFind(c, services, serverId, values),
      });
    }
    if (c.req.query('do') === 'type') {
      return chooseType(c, services, (form) => sendNew(c, services, environmentId, form));
    }
    if (c.req.query('do') === 'back') return sendNew(c, services, environmentId, await typedBefore(c));
    return submit(c, services, {
      ...ASKED_AGAIN,
      parse: (body) => both(parseNewDatabase(chosenEngine(c), body), parseScheduleChoice(body)),
      refuse: (form) => sendNew(c, services, environmentId, form, wrongFields(c, form)),
      async act([input, choice], _, sent) {
        const actor = actorOf(c, services);
        if (c.req.query('do') === 'test') {
          const test = await tryNewDatabase(services, actor, environmentId, input, c.req.raw.signal);
          return sendNew(c, services, environmentId, sent, shownTest(test));
        }
        const original = await originalOf(c, services, chosenEngine(c));
        const after = scheduleAlongside(actor, services.now, choice, original?.schedule.own);
        const { id } = await createDatabase(services, actor, environmentId, input, { after });
        return { to: `/databases/${id}`, say: 'database-created' };
      },
    });
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

  ui.get('/databases/:databaseId/duplicate', only('operator'), async (c) => {
    const { id, environmentId, type } = await getDatabase(services.db, c.req.param('databaseId'));
    const query = new URLSearchParams({ type, from: id });
    return c.redirect(`/environments/${environmentId}/databases/new?${query}`, 303);
  });

  ui.get('/databases/:databaseId/edit', only('operator'), async (c) =>
    sendEdit(c, services, c.req.param('databaseId'), null),
  );

  ui.post('/databases/:databaseId/edit', only('operator'), async (c) => {
    const id = c.req.param('databaseId');
    const before = await getDatabase(services.db, id);
    if (c.req.query('do') === 'enable-storage') {
      return enableStorage(c, services, before.environmentId, (form) => sendEdit(c, services, id, form));
    }
    const engine = engineOf(before.type);
    const isTest = c.req.query('do') === 'test';
    return submit(c, services, {
      ...ASKED_AGAIN,
      parse: (body) => parseDatabaseChange(engine, body, before),
      stored: isTest ? undefined : async () => databaseValues(engine, before),
      refuse: (form) => sendEdit(c, services, id, form, wrongFields(c, form)),
      async act(input, _, sent) {
        const actor = actorOf(c, services);
        if (isTest) {
          const test = await tryChangedDatabase(services, actor, id, input, c.req.raw.signal);
          return sendEdit(c, services, id, sent, shownTest(test));
        }
        await updateDatabase(services, actor, id, input);
        return { to: `/databases/${id}`, say: 'database-saved' };
      },
    });
  });

  return ui;
}

/** What is secret in a form that comes back has to be typed again. */
const ASKED_AGAIN = { secrets: ['username', 'password'], asksAgain: true } as const;

/** By the buttons above the fields: what both types have stays as it was typed, and what is the chosen one's own begins anew. */
function chooseType(
  c: Context<UiEnv>,
  services: Services,
  send: (form: FormState) => Promise<Response>,
): Promise<Response> {
  const engine = chosenEngine(c);
  return submit(c, services, {
    ...ASKED_AGAIN,
    // A file has no user to be asked for again.
    asksAgain: !engine.isFile,
    parse: nothingToParse,
    refuse: send,
    act: (_, __, sent) => send({ ...sent, values: { ...sent.values, ...valuesOfType(engine) } }),
  });
}

/** By the button in the form, which stays filled. Throws `forbidden` for who is no admin. */
function enableStorage(
  c: Context<UiEnv>,
  services: Services,
  environmentId: string,
  send: (form: FormState) => Promise<Response>,
): Promise<Response> {
  return submit(c, services, {
    ...ASKED_AGAIN,
    parse: nothingToParse,
    refuse: send,
    async act(_, __, sent) {
      refuseBelow(c.get('session').user.role, 'admin');
      await setStorageEnabled(services, actorOf(c, services), environmentId, true);
      return send({ ...sent, values: { ...sent.values, backupStorageType: 'spaces' } });
    },
  });
}

/** The form of a new database; with a refused one it says so and answers 422. */
async function sendNew(
  c: Context<UiEnv>,
  services: Services,
  environmentId: string,
  sent: FormState | null,
  test: TestResult | null = null,
) {
  const { frame, environment } = await environmentFrame(c, services, environmentId);
  const engine = chosenEngine(c);
  const choices = await formChoices(services, environment, engine, {
    hasCredentials: false,
    mayEnable: hasRole(frame.user.role, 'admin'),
  });
  const bucket = await mostUsedBucket(services.db);
  const original = await originalOf(c, services, engine);
  const values =
    original === null
      ? newDatabaseValues(engine, { ...choices, bucket })
      : { ...duplicateValues(engine, original.database), ...copiedChoice(original.schedule) };
  const schedule = await scheduleChoices(services, { environmentId, engine: engine.type, tags: null });
  const zone = original?.schedule.own?.timeZone ?? schedule.zone;
  return sendPage(
    c,
    <NewDatabasePage
      frame={frame}
      environment={environment}
      engines={engines}
      choices={choices}
      test={test}
      schedule={{ ...schedule, zone }}
      form={sent ?? freshForm(values)}
      copyOf={original?.database ?? null}
      isOriginalGone={original === null && (await isOriginalGone(c, services))}
    />,
    isRefused(sent) && test === null ? 422 : 200,
  );
}

/** The database that the form is to be filled with; null where the address names none of that type, or one that is gone. */
async function originalOf(c: Context<UiEnv>, services: Services, engine: Engine): Promise<Original | null> {
  const from = c.req.query('from');
  if (from === undefined) return null;
  try {
    const database = await getDatabase(services.db, from);
    if (database.type !== engine.type) return null;
    return { database, schedule: await getSchedule(services, from) };
  } catch (error) {
    // Deleted while somebody fills in the form: what was typed is worth more than it.
    if (isAppError(error, 'not_found')) return null;
    throw error;
  }
}

/** Whether the address names a database to be copied that is there no more. */
async function isOriginalGone(c: Context<UiEnv>, { db }: Services): Promise<boolean> {
  const from = c.req.query('from');
  if (from === undefined) return false;
  return getDatabase(db, from).then(
    () => false,
    (error: unknown) => {
      if (isAppError(error, 'not_found')) return true;
      throw error;
    },
  );
}

/** What a form is a copy of. */
interface Original {
  readonly database: Database;
  readonly schedule: DatabaseSchedule;
}

async function sendEdit(
  c: Context<UiEnv>,
  services: Services,
  id: string,
  sent: FormState | null,
  test: TestResult | null = null,
) {
  const database = await getDatabase(services.db, id);
  const { frame, environment } = await environmentFrame(c, services, database.environmentId);
  const engine = engineOf(database.type);
  return sendPage(
    c,
    <EditDatabasePage
      frame={frame}
      database={database}
      choices={
        await formChoices(services, environment, engine, {
          hasCredentials: database.hasCredentials,
          mayEnable: hasRole(frame.user.role, 'admin'),
        })
      }
      test={test}
      form={sent ?? editForm(databaseValues(engine, database))}
    />,
    isRefused(sent) && test === null ? 422 : 200,
  );
}

/** Of a test that fetches its answer alone, what is wrong with the fields is the answer; else it stands beside them. */
function wrongFields(c: Context<UiEnv>, { message, errors }: FormState): TestResult | null {
  if (c.req.query('do') !== 'test' || c.req.header('hx-request') !== 'true') return null;
  const words = Object.values(errors).filter((error) => error !== TYPE_AGAIN);
  return { success: false, message: [...(message === null ? [] : [message]), ...words].join(' '), facts: [] };
}

/** A form that was only tested, or whose storage was enabled, is sent back without being wrong. */
function isRefused(sent: FormState | null): boolean {
  return sent !== null && (sent.message !== null || Object.keys(sent.errors).length > 0);
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
