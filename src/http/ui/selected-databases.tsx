import { type Context, Hono } from 'hono';
import type { Question } from '../../../views/parts/dialog.tsx';
import type { FormState } from '../../../views/parts/form-state.ts';
import { questionOfPolicies, SelectedDatabasesPage } from '../../../views/selected-databases.tsx';
import { type KnownDatabase, knownDatabases } from '../../backups/known-databases.ts';
import { AppError, isAppError } from '../../errors.ts';
import { readDefaults } from '../../retention/defaults.ts';
import { wouldPrune } from '../../retention/would-prune.ts';
import type { Services } from '../../services-port.ts';
import { actorOf } from './kit/actor.ts';
import { editForm } from './kit/edit-form.ts';
import { goTo } from './kit/flash.ts';
import { type FormBody, readValues } from './kit/form-body.ts';
import { frameOf } from './kit/frame.ts';
import { listPath } from './kit/list-path.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import { submit, type Taken } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { presetChoices } from './retention-form.ts';
import { type ActionOnSelected, parsePolicies, SELECTED_ACTIONS, type ToOne } from './selected-actions.ts';

/** A page of the list. */
const MOST_SELECTED = 50;

/** What is done to the databases that are ticked in their list, or to one on its page: asked first, then done to each. */
export function selectedDatabaseRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();
  for (const action of SELECTED_ACTIONS) {
    const path = `/databases/selected/${action.name}`;

    ui.get(path, only('operator'), async (c) => {
      const selected = await selectedOf(services, action, c.req.queries('id') ?? []);
      const whence = whenceOf(c.req.query());
      if (selected.databases.length === 0) return goTo(c, services, whence.list, 'nothing-selected');
      return send(c, services, { action, selected, ...whence });
    });

    ui.post(path, only('operator'), async (c) => {
      const ids = await readValues(c, 'id');
      const selected = await selectedOf(services, action, ids);
      return submit(c, services, {
        parse: action.parse,
        // That a backup came meanwhile is no reason to read none.
        stored: action.name === 'read' ? undefined : async () => Object.fromEntries(selected.present),
        refuse: (form) =>
          send(c, services, { action, selected, form, status: 422, ...whenceOf(form.values) }),
        async act(doesIt, body, sent) {
          const question = await questionOf(services, action, selected, body);
          if (question !== null) {
            return send(c, services, {
              ...{ action, selected, form: sent, question, status: 409 },
              ...whenceOf(body),
            });
          }
          const failures = await doToEach(services, actorOf(c, services), selected, doesIt);
          return answerOf(c, services, { action, selected, failures, body });
        },
      });
    });
  }
  return ui;
}

/** Where they were chosen: on the page of the one, or in the list of that address. */
interface Whence {
  readonly isFromPage: boolean;
  readonly list: string;
}

function whenceOf({ from, back }: FormBody): Whence {
  return { isFromPage: from === 'page', list: listPath('/databases', back) };
}

interface Selected {
  readonly ids: readonly string[];
  readonly databases: readonly KnownDatabase[];
  /** What each has now, by id. */
  readonly present: ReadonlyMap<string, string>;
}

/** Throws `invalid` for more than a page of the list. */
async function selectedOf(
  services: Services,
  { presentOf }: ActionOnSelected,
  sent: readonly string[],
): Promise<Selected> {
  const ids = [...new Set(sent)];
  if (ids.length > MOST_SELECTED) {
    throw new AppError('invalid', `Choose at most ${MOST_SELECTED} databases at once.`);
  }
  const databases = await knownDatabases(
    services,
    ids.map((id) => ({ id })),
  );
  const present = await presentOf(
    services,
    databases.map(({ id }) => id),
  );
  return { ids, databases, present };
}

/** Where much would go of all of them together, and nobody has said yet that it may. */
async function questionOf(
  services: Services,
  action: ActionOnSelected,
  { databases }: Selected,
  body: FormBody,
): Promise<Question | null> {
  if (action.name !== 'retention') return null;
  const parsed = parsePolicies(body);
  if (!parsed.success || parsed.data.confirm === true) return null;
  const { each, isMuch } = await wouldPrune(
    services,
    databases.map(({ id }) => id),
    parsed.data,
  );
  if (!isMuch) return null;
  const names = new Map(databases.map(({ id, name }) => [id, name]));
  const go = each
    .filter(({ count }) => count > 0)
    .map(({ databaseId, count, bytes }) => ({ name: names.get(databaseId) ?? '', count, bytes }));
  const { id: _, confirm: __, ...fields } = body;
  const ids = databases.map(({ id }) => ['id', id] as const);
  const kept = Object.entries(fields).filter(([name]) => name === 'from' || name === 'back');
  const back = `/databases/selected/retention?${new URLSearchParams([...ids, ...kept].map((one) => [...one]))}`;
  return questionOfPolicies(back, go, [...ids, ...Object.entries(fields)]);
}

/** Each by itself: what can't be done to one keeps no other from it. Gives why, by id. */
async function doToEach(
  services: Services,
  actor: ReturnType<typeof actorOf>,
  { ids }: Selected,
  doesIt: ToOne,
): Promise<ReadonlyMap<string, string>> {
  const failures = new Map<string, string>();
  for (const id of ids) {
    try {
      await doesIt(services, actor, id);
    } catch (error) {
      if (!isAppError(error, 'not_found', 'conflict', 'invalid', 'forbidden')) throw error;
      failures.set(id, error.details.issues?.[0]?.message ?? error.message);
    }
  }
  return failures;
}

/** All done: back to where they were ticked. Else those that are left, each with the reason, to be sent again. */
async function answerOf(
  c: Context<UiEnv>,
  services: Services,
  did: {
    readonly action: ActionOnSelected;
    readonly selected: Selected;
    readonly failures: ReadonlyMap<string, string>;
    readonly body: FormBody;
  },
): Promise<Taken | Response> {
  const { action, selected, failures, body } = did;
  const done = selected.ids.length - failures.size;
  const [first] = selected.ids;
  const whence = whenceOf(body);
  if (selected.ids.length === 0) return { to: whence.list, say: 'nothing-selected' };
  if (failures.size === 0) {
    const to = whence.isFromPage && selected.ids.length === 1 ? `/databases/${first}` : whence.list;
    return { to, say: action.say, count: done };
  }
  const left = await selectedOf(services, action, [...failures.keys()]);
  const { seen: _, confirm: __, ...values } = body;
  const form = editForm(values, Object.fromEntries(left.present));
  return send(c, services, {
    ...{ action, selected: left, form, failures, done, status: 422 },
    ...whence,
  });
}

interface Shown extends Whence {
  readonly action: ActionOnSelected;
  readonly selected: Selected;
  readonly form?: FormState;
  readonly failures?: ReadonlyMap<string, string>;
  readonly done?: number;
  readonly question?: Question;
  readonly status?: 409 | 422;
}

async function send(c: Context<UiEnv>, services: Services, shown: Shown): Promise<Response> {
  const { action, selected } = shown;
  const { databases, present } = selected;
  const { rules } = await readDefaults(services.db);
  return sendPage(
    c,
    <SelectedDatabasesPage
      frame={await frameOf(c, services)}
      action={action.name}
      databases={databases.map(({ id, name, environmentName }) => ({
        ...{ id, name, environmentName },
        present: present.get(id) ?? '',
        failure: shown.failures?.get(id) ?? null,
      }))}
      form={shown.form ?? editForm(action.values, Object.fromEntries(present))}
      done={shown.done ?? null}
      gone={selected.ids.length - databases.length}
      question={shown.question ?? null}
      presets={presetChoices(rules)}
      isFromPage={shown.isFromPage && databases.length === 1}
      list={shown.list}
    />,
    shown.status ?? 200,
  );
}
