import { type Context, Hono } from 'hono';
import { FindDatabasesPage, type FindFormProps } from '../../../views/find-databases.tsx';
import { Found, type FoundList, type SearchedServer } from '../../../views/found-databases.tsx';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { Notice } from '../../../views/parts/notice.tsx';
import { refuseBelow } from '../../auth/roles.ts';
import { discoverDatabases } from '../../databases/discover.ts';
import { registerFound } from '../../databases/register-found.ts';
import { registeredOn } from '../../databases/registered.ts';
import type { Engine } from '../../engines/engine.ts';
import { engineFor, engines } from '../../engines/engines.ts';
import { getEnvironmentRow } from '../../environments/environments.ts';
import { AppError, isAppError } from '../../errors.ts';
import { scheduleAlongside } from '../../schedules/first-schedule.ts';
import { isLocalHostname } from '../../servers/open-server.ts';
import { getServer } from '../../servers/servers.ts';
import type { Services } from '../../services-port.ts';
import { setStorageEnabled } from '../../storage/enabled.ts';
import { decodeNames, destinationOf, findValues, parseSearch, sharedSettings } from './find-form.ts';
import { wayBack } from './find-from-form.ts';
import { foundList, type TaggedServer } from './found-list.ts';
import { actorOf } from './kit/actor.ts';
import { type FormBody, numberOf, readValues } from './kit/form-body.ts';
import { environmentFrame } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendFragment, sendPage } from './kit/send.tsx';
import { submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { both, parseScheduleChoice } from './schedule-choice.ts';
import { pinned } from './try-connections.ts';

const SECRETS = ['password'];

/** Find databases on a server, and register those that are ticked. */
export function findDatabaseRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/servers/:serverId/find', only('operator'), async (c) => {
    const server = await searched(services, c.req.param('serverId'));
    return send(c, services, server, { form: findFormOf(services, server), found: null });
  });

  ui.post('/servers/:serverId/find', only('operator'), async (c) => {
    const server = await searched(services, c.req.param('serverId'));
    if (c.req.query('do') === 'enable-storage') await enableStorage(c, services, server);
    return search(c, services, server, (shown) => send(c, services, server, shown));
  });

  ui.post('/servers/:serverId/find/result', only('operator'), async (c) => {
    const server = await searched(services, c.req.param('serverId'));
    return search(c, services, server, (shown) => sendFragment(c, <Answer server={server} {...shown} />));
  });

  ui.post('/servers/:serverId/find/register', only('operator'), async (c) => {
    const server = await searched(services, c.req.param('serverId'));
    return register(c, services, server);
  });

  return ui;
}

/** The answer in the place of the list; what is wrong with the fields too, since they are not sent along. */
function Answer({
  server,
  form,
  found,
}: {
  server: SearchedServer;
  form: FormState;
  found: FoundList | null;
}) {
  if (found !== null) return <Found server={server} list={found} form={{ ...form, errors: {} }} />;
  const wrong = Object.entries(form.errors).map(([field, error]) => `${LABELS[field] ?? field}: ${error}`);
  return <Notice tone="error">{form.message ?? wrong.join(' ')}</Notice>;
}

const LABELS: Readonly<Record<string, string>> = {
  username: 'Database user',
  folders: 'Folders',
  host: 'Host',
  port: 'Port',
  tlsCa: 'Certificate authority',
};

/** The page, filled with what is known already. Throws `not_found`. */
export async function sendFind(
  c: Context<UiEnv>,
  services: Services,
  serverId: string,
  values: FormBody,
): Promise<Response> {
  const server = await searched(services, serverId);
  const form = findFormOf(services, server);
  return send(c, services, server, { form: { ...form, values: { ...form.values, ...values } }, found: null });
}

async function send(
  c: Context<UiEnv>,
  services: Services,
  server: SearchedServer,
  shown: Pick<FindFormProps, 'form' | 'found'>,
) {
  const { frame } = await environmentFrame(c, services, server.environment.id);
  const next = shown.form.values['next'];
  const isRefused = shown.form.message !== null || Object.keys(shown.form.errors).length > 0;
  return sendPage(
    c,
    <FindDatabasesPage
      frame={frame}
      server={server}
      engines={engines}
      {...shown}
      {...(next === HOME ? { next } : {})}
      back={wayBack(server.environment.id, shown.form.values)}
    />,
    isRefused && shown.found === null ? 422 : 200,
  );
}

/** By the button of the list. Throws `forbidden` for who is no admin. */
async function enableStorage(c: Context<UiEnv>, services: Services, { environment }: SearchedServer) {
  refuseBelow(c.get('session').user.role, 'admin');
  await setStorageEnabled(services, actorOf(c, services), environment.id, true);
}

/** The checklist is there. */
const HOME = '/';

/** Throws `not_found`. */
async function searched(services: Services, id: string): Promise<TaggedServer> {
  const server = await getServer(services.db, id);
  const environment = await getEnvironmentRow(services.db, server.environmentId);
  return { id, name: server.name, hostname: server.hostname, tags: server.tags, environment };
}

export function findFormOf({ config }: Services, { hostname }: Pick<SearchedServer, 'hostname'>): FormState {
  return freshForm(findValues(isLocalHostname(hostname) ? config.localPaths : null));
}

function search(
  c: Context<UiEnv>,
  services: Services,
  server: TaggedServer,
  answer: (shown: Pick<FindFormProps, 'form' | 'found'>) => Promise<Response>,
): Promise<Response> {
  return submit(c, services, {
    parse: (body) => parseSearch(engineOf(body), body),
    secrets: SECRETS,
    asksAgain: true,
    explain: whyNot,
    refuse: (form) => answer({ form, found: null }),
    async act(input, _, form) {
      // A lost form is shown again before anything is looked for.
      const actor = actorOf(c, services);
      const { signal } = c.req.raw;
      const discovered = await discoverDatabases(services, actor, server.id, input, { signal });
      const list = await foundList(c, services, server, discovered);
      const notes = [...list.notes, ...pinned(discovered.pinnedFingerprint ?? undefined)];
      return answer({ form, found: { ...list, notes } });
    },
  });
}

/** Whatever keeps databases from being found is shown in the form: it is there that it is mended, or tried again. */
function whyNot(error: unknown): unknown {
  if (!isAppError(error) || error.code === 'internal' || error.code === 'not_found') return error;
  const { details } = error;
  const message = [error.message, ...pinned(details.pinnedFingerprint)].join(' ');
  const isOfTheForm = details.field === undefined || details.field in LABELS;
  return new AppError('invalid', message, { cause: error, ...(isOfTheForm ? { details } : {}) });
}

async function register(c: Context<UiEnv>, services: Services, server: TaggedServer) {
  return submit(c, services, {
    parse: (body) => both(parseSearch(engineOf(body), body), parseScheduleChoice(body)),
    secrets: SECRETS,
    asksAgain: true,
    refuse: async (form) =>
      send(c, services, server, { form, found: await offered(c, services, server, form.values) }),
    async act([input, choice], body) {
      const ticked = decodeNames(await readValues(c, 'found'));
      if (ticked.length === 0) throw new AppError('invalid', 'Tick the databases that are to be registered.');
      const destination = destinationOf(body);
      if (destination === null) throw new AppError('invalid', 'Choose where the backups go.');
      const settings = sharedSettings(engineOf(body), input, destination);
      const actor = actorOf(c, services);
      const after = scheduleAlongside(actor, services.now, choice);
      const { registered, refused } = await registerFound(
        services,
        actor,
        server.id,
        settings,
        ticked,
        after,
      );
      if (refused.length === 0) {
        const to = body['next'] === HOME ? HOME : '/databases';
        return { to, say: 'databases-registered', count: registered.length };
      }
      const done =
        registered.length === 0 ? '' : `Registered: ${registered.map(({ name }) => name).join(', ')}. `;
      const reasons = refused.map(({ name, reason }) => `${name}: ${reason}`).join(' ');
      throw new AppError('invalid', `${done}Not registered: ${reasons}`);
    },
  });
}

/** The list of a form that came back, as it was offered: it is not looked for again. */
async function offered(
  c: Context<UiEnv>,
  services: Services,
  server: TaggedServer,
  body: FormBody,
): Promise<FoundList | null> {
  const engine = engineOf(body);
  const names = decodeNames(await readValues(c, 'offered'));
  if (names.length === 0) return null;
  const row = await registeredOn(services.db, server, engine, {
    host: body['host'],
    port: numberOf(body, 'port'),
  });
  const offer = {
    type: engine.type,
    serverVersion: null,
    notes: [],
    found: names.map((name) => ({
      databaseName: name,
      filePath: null,
      sizeBytes: null,
      registered: row.get(name) ?? null,
      obstacle: null,
    })),
  };
  return foundList(c, services, server, offer, decodeNames(await readValues(c, 'found')));
}

/** Throws `invalid` for a type that nothing backs up. */
function engineOf(body: FormBody): Engine {
  const engine = engineFor(body['type'] ?? '');
  if (engine === undefined) throw new AppError('invalid', 'Choose the kind of database.');
  return engine;
}
