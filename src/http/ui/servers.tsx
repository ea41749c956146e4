import { type Context, Hono } from 'hono';
import { ChooseEnvironmentPage } from '../../../views/choose-environment.tsx';
import type { SeenHostKey } from '../../../views/first-contact.tsx';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { TestOutcome, type TestResult } from '../../../views/parts/try-connection.tsx';
import { NewServerPage, questionOfServer, ServerPage, ServerState } from '../../../views/server.tsx';
import { type ListedServer, type ServerItem, ServersPage } from '../../../views/servers.tsx';
import { hasRole } from '../../auth/roles.ts';
import { databasesThatHold } from '../../databases/password-targets.ts';
import { databasesOn } from '../../environments/contents.ts';
import { getEnvironment } from '../../environments/environments.ts';
import { removeHostKey } from '../../servers/host-keys.ts';
import { isLocalHostname } from '../../servers/open-server.ts';
import { hasOwnMachine } from '../../servers/own-machine.ts';
import {
  countServersOf,
  createServer,
  deleteServer,
  getServer,
  listServersOf,
  newServer,
  type Server,
  updateServer,
} from '../../servers/servers.ts';
import type { Services } from '../../services-port.ts';
import { hasChecklistOf } from './checklist.ts';
import { keyShown } from './key-shown.ts';
import { actorOf } from './kit/actor.ts';
import { editForm } from './kit/edit-form.ts';
import { goTo } from './kit/flash.ts';
import { type FormBody, numberOf, readForm, textOf } from './kit/form-body.ts';
import { environmentFrame, frameOf } from './kit/frame.ts';
import { pageOf } from './kit/paging.ts';
import { only } from './kit/roles.ts';
import { sendFragment, sendPage } from './kit/send.tsx';
import { nothingToParse, submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { refuseLoopback } from './loopback-host.ts';
import { sendOverview } from './overview.tsx';
import { type ServerTest, tryServerForPage } from './try-connections.ts';

const PER_PAGE = 50;
/** The checklist is there. */
const HOME = '/';

/** Servers, over all environments or the one that is chosen. */
export function serverRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/servers', only('viewer'), async (c) => {
    const frame = await frameOf(c, services);
    const environmentId = frame.environment?.id ?? null;
    const page = pageOf(c, PER_PAGE);
    const servers = await listServersOf(services.db, environmentId, page);
    const total = await countServersOf(services.db, environmentId);
    return sendPage(
      c,
      <ServersPage frame={frame} servers={servers.map(toListed)} page={{ ...page, total }} />,
    );
  });

  // As addresses were while an environment was a place to be in.
  ui.get('/environments/:environmentId/servers', only('viewer'), async (c) => {
    const { id } = await getEnvironment(services.db, c.req.param('environmentId'));
    return c.redirect(`/servers?environment=${id}`, 303);
  });

  ui.get('/servers/new', only('operator'), async (c) => {
    const frame = await frameOf(c, services);
    const { environments } = frame;
    const chosen = frame.environment ?? (environments.length === 1 ? environments[0] : undefined);
    if (chosen !== undefined) return c.redirect(`/environments/${chosen.id}/servers/new`, 303);
    const back = { href: '/servers', label: 'Servers' };
    return sendPage(
      c,
      <ChooseEnvironmentPage frame={frame} section="servers" title="Add server" back={back} />,
    );
  });

  ui.get('/environments/:environmentId/servers/new', only('operator'), async (c) => {
    const props = await environmentFrame(c, services, c.req.param('environmentId'));
    return sendPage(
      c,
      <NewServerPage {...props} {...ownMachineOf(services)} form={freshForm({ sshPort: '22' })} />,
    );
  });

  ui.post('/environments/:environmentId/servers/new', only('operator'), async (c) => {
    const props = await environmentFrame(c, services, c.req.param('environmentId'));
    return submit(c, services, {
      parse: (body) => refuseLoopback(newServer.safeParse(toInput(body)), 'hostname'),
      refuse: (form) =>
        sendPage(c, <NewServerPage {...props} {...ownMachineOf(services)} form={form} />, 422),
      async act(input) {
        const { id } = await createServer(services, actorOf(c, services), props.environment.id, input);
        const say = isLocalHostname(input.hostname) ? 'machine-added' : 'server-created';
        return { to: `/servers/${id}`, say };
      },
    });
  });

  ui.get('/servers/:serverId', only('viewer'), async (c) => sendServer(c, services, {}));

  ui.post('/servers/:serverId', only('operator'), async (c) => {
    const id = c.req.param('serverId');
    return submit(c, services, {
      parse: (body) => newServer.safeParse(toInput(body)),
      stored: async () => toValues(await getServer(services.db, id)),
      refuse: (form) => sendServer(c, services, { form }),
      async act(input) {
        await updateServer(services, actorOf(c, services), id, input);
        return { to: `/servers/${id}`, say: 'server-saved' };
      },
    });
  });

  ui.post('/servers/:serverId/test', only('operator'), async (c) => {
    const actor = actorOf(c, services);
    const id = c.req.param('serverId');
    const { next, shownFingerprint } = await readForm(c);
    if (next !== HOME) {
      return sendServer(c, services, { test: await tryServerForPage(services, actor, id, c.req.raw.signal) });
    }
    // The first contact pins what was shown, and nothing unseen.
    if (shownFingerprint === undefined && isUnknown(await getServer(services.db, id))) {
      return c.redirect('/?host-key=show', 303);
    }
    const test = await tryServerForPage(services, actor, id, c.req.raw.signal, shownFingerprint);
    // The checklist says what was reached.
    if (test.success) return goTo(c, services, HOME, 'server-reached');
    const server = await getServer(services.db, id);
    if (!(await hasChecklistOf(c, services, server.environmentId))) return sendServer(c, services, { test });
    return sendOverview(c, services, { serverId: id, seen: contactAfter(test, server, shownFingerprint) });
  });

  ui.post('/servers/:serverId/test/result', only('operator'), async (c) => {
    const actor = actorOf(c, services);
    const result = await tryServerForPage(services, actor, c.req.param('serverId'), c.req.raw.signal);
    // The state above it learns of the status and of a key that was pinned.
    c.header('HX-Trigger', 'server-tested');
    return sendFragment(c, <TestOutcome result={result} />);
  });

  ui.get('/servers/:serverId/state', only('viewer'), async (c) => {
    const server = toItem(await getServer(services.db, c.req.param('serverId')));
    return sendFragment(
      c,
      <ServerState server={server} isAdmin={hasRole(c.get('session').user.role, 'admin')} />,
    );
  });

  ui.post('/servers/:serverId/host-key/forget', only('admin'), async (c) => {
    const { id } = await removeHostKey(services, actorOf(c, services), c.req.param('serverId'));
    return goTo(c, services, `/servers/${id}`, 'host-key-forgotten');
  });

  ui.post('/servers/:serverId/delete', only('admin'), async (c) => {
    const id = c.req.param('serverId');
    return submit(c, services, {
      parse: nothingToParse,
      refuse: ({ message }) => sendServer(c, services, { deletion: message ?? '' }),
      async act() {
        await deleteServer(services, actorOf(c, services), id);
        return { to: '/servers', say: 'server-deleted' };
      },
    });
  });

  return ui;
}

/** True where nobody has seen the host's key yet. */
function isUnknown({ hostname, hostKeyFingerprint }: Server): boolean {
  return hostKeyFingerprint === null && !isLocalHostname(hostname);
}

/** The first contact once more after a test that failed: with both keys where the host has another than was shown. */
function contactAfter(
  { message, otherFingerprint }: ServerTest,
  { hostKeyFingerprint: pinned }: Server,
  shown: string | undefined,
): SeenHostKey {
  if (shown !== undefined && otherFingerprint !== undefined) {
    return { fingerprint: otherFingerprint, isPinned: pinned !== null, before: shown };
  }
  if (pinned === null) return { problem: message };
  return { fingerprint: pinned, isPinned: true, refusal: message };
}

/** The page of one server; with a refused form it says so and answers 422. */
async function sendServer(
  c: Context<UiEnv, '/servers/:serverId'>,
  services: Services,
  shown: { readonly form?: FormState; readonly test?: TestResult; readonly deletion?: string },
) {
  const server = await getServer(services.db, c.req.param('serverId'));
  const props = await environmentFrame(c, services, server.environmentId);
  const asksToDelete = c.req.query('delete') !== undefined && hasRole(c.get('session').user.role, 'admin');
  return sendPage(
    c,
    <ServerPage
      {...props}
      server={toItem(server)}
      isContainer={services.isContainer}
      keyLine={await keyLineOf(c, services, server)}
      form={shown.form ?? editForm(toValues(server))}
      test={shown.test ?? null}
      holding={await databasesThatHold(services.db, server.id)}
      question={
        asksToDelete || shown.deletion !== undefined
          ? questionOfServer(
              toItem(server),
              await databasesOn(services.db, server.id),
              shown.deletion ?? null,
            )
          : null
      }
    />,
    shown.form === undefined && shown.deletion === undefined ? 200 : 422,
  );
}

function ownMachineOf({ config, isContainer }: Services) {
  return { ownMachine: hasOwnMachine(config) ? { isContainer } : null };
}

/** What lets the app in there, for who may paste it. */
async function keyLineOf(c: Context<UiEnv>, services: Services, server: Server) {
  const { key } = await keyShown(c, services, server.environmentId);
  return key === null ? null : { line: key.authorizedKeysLine, user: server.sshUser ?? key.username };
}

function toListed(server: Server & { readonly environmentName: string }): ListedServer {
  return { ...toItem(server), environmentName: server.environmentName };
}

function toItem(server: Server): ServerItem {
  return {
    ...server,
    fingerprint: server.hostKeyFingerprint,
    isOwn: isLocalHostname(server.hostname),
  };
}

function toInput(body: FormBody) {
  return {
    name: textOf(body, 'name') ?? '',
    hostname: textOf(body, 'hostname') ?? '',
    sshPort: numberOf(body, 'sshPort') ?? undefined,
    sshUser: textOf(body, 'sshUser'),
    publicIp: textOf(body, 'publicIp'),
    tags: (textOf(body, 'tags') ?? '')
      .split(',')
      .map((tag) => tag.trim())
      .filter((tag) => tag !== ''),
  };
}

function toValues(server: Server): FormBody {
  return {
    name: server.name,
    hostname: server.hostname,
    sshPort: String(server.sshPort),
    sshUser: server.sshUser ?? '',
    publicIp: server.publicIp ?? '',
    tags: server.tags.join(', '),
  };
}
