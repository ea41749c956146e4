import type { Context } from 'hono';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { engineFor } from '../../engines/engines.ts';
import { listServerNames } from '../../servers/servers.ts';
import type { Services } from '../../services-port.ts';
import { THIS_MACHINE } from './database-form.ts';
import { type FormBody, readForm } from './kit/form-body.ts';
import { nothingToParse, submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';

/** Never given back: they are typed again. */
const SECRETS = ['username', 'password'];
/** In the form that finds databases: what was typed into the one of a new database. */
const TYPED = 'typed';
/** What both forms ask for. */
const SHARED = ['type', 'host', 'port', 'tlsMode', 'tlsCa'];

/** By the button of the form of a new database: the page that finds databases on the chosen server, which gives back what was typed. */
export function findFromForm(
  c: Context<UiEnv>,
  services: Services,
  environmentId: string,
  {
    refuse,
    find,
  }: {
    readonly refuse: (form: FormState) => Promise<Response>;
    readonly find: (serverId: string, values: FormBody) => Promise<Response>;
  },
): Promise<Response> {
  return submit(c, services, {
    parse: nothingToParse,
    secrets: SECRETS,
    asksAgain: true,
    refuse,
    async act(_, body, sent) {
      const serverId = body['serverId'] ?? '';
      const obstacle = await whyNotOn(services, environmentId, serverId);
      if (obstacle !== null) {
        return refuse({ ...sent, errors: { ...sent.errors, serverId: obstacle } });
      }
      const typed = { ...sent.values, ...c.req.query() };
      return find(serverId, {
        ...Object.fromEntries(SHARED.flatMap((name) => (typed[name] ? [[name, typed[name]]] : []))),
        [TYPED]: new URLSearchParams(typed).toString(),
      });
    },
  });
}

/** Why nothing can be found on what was chosen; a sentence. Null where that is a server of the environment. */
async function whyNotOn({ db }: Services, environmentId: string, id: string): Promise<string | null> {
  if (id === '') return 'Choose the server on which databases are to be found.';
  if (id === THIS_MACHINE) return 'Add this machine as a server first: databases are found on servers.';
  const servers = await listServerNames(db, environmentId);
  return servers.some((server) => server.id === id) ? null : 'Choose one of the list.';
}

/** Where a form of a new database is shown again as it was typed; null where none was. */
export function wayBack(environmentId: string, values: FormBody): string | null {
  const typed = new URLSearchParams(values[TYPED] ?? '');
  const [type, from] = [typed.get('type') ?? '', typed.get('from')];
  if (engineFor(type) === undefined) return null;
  const query = new URLSearchParams({ type, ...(from === null ? {} : { from }), do: 'back' });
  return `/environments/${environmentId}/databases/new?${query}`;
}

/** The form of a new database as it was typed before databases were looked for. */
export async function typedBefore(c: Context<UiEnv>): Promise<FormState> {
  const typed = new URLSearchParams((await readForm(c))[TYPED] ?? '');
  return freshForm(Object.fromEntries([...typed].filter(([name]) => !SECRETS.includes(name))));
}
