import { Hono } from 'hono';
import { NewHostPage } from '../../../views/new-host.tsx';
import type { FormState } from '../../../views/parts/form-state.ts';
import { hasRole } from '../../auth/roles.ts';
import { makeSshKey } from '../../environments/made-ssh-key.ts';
import { getSsh } from '../../environments/ssh-access.ts';
import { type InputIssue, isAppError } from '../../errors.ts';
import { isLocalHostname } from '../../servers/open-server.ts';
import { createServer, type NewServer, newServer } from '../../servers/servers.ts';
import type { Services } from '../../services-port.ts';
import { actorOf } from './kit/actor.ts';
import { type FormBody, numberOf } from './kit/form-body.ts';
import { environmentFrame } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import { type Parsed, submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { refuseLoopback } from './loopback-host.ts';

/** A host by its address alone: the server is named after it, and an environment without a key gets one. */
export function hostRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.post('/environments/:environmentId/hosts', only('operator'), async (c) => {
    const { frame, environment } = await environmentFrame(c, services, c.req.param('environmentId'));
    return submit(c, services, {
      parse: parseHost,
      refuse: async (form: FormState) =>
        sendPage(c, <NewHostPage frame={frame} environment={environment} form={form} />, 422),
      act: async (input) => {
        const actor = actorOf(c, services);
        await createServer(services, actor, environment.id, input);
        // After it: a name that is taken must not leave a key that nobody asked for.
        const { configured } = await getSsh(services.db, environment.id);
        const mayMake = hasRole(c.get('session').user.role, 'admin');
        if (!configured && mayMake && !isLocalHostname(input.hostname)) {
          await unlessMadeMeanwhile(makeSshKey(services, actor, environment.id, {}));
        }
        return { to: '/' };
      },
    });
  });

  return ui;
}

/** Somebody else's key for the environment does as well: the server is there, and is let in by it. */
async function unlessMadeMeanwhile(making: Promise<unknown>): Promise<void> {
  try {
    await making;
  } catch (error) {
    if (!isAppError(error, 'conflict')) throw error;
  }
}

const ADDRESS = /^(?:([^@\s]*)@)?(\[[^\]\s]+\]|[^:@\s]+|[^@\s]*:[^@\s]*:[^@\s]*?)(?::(\d{1,6}))?$/;

/** The server that `user@host` means, or `user@host:port`, whose port wins over the proposed one; what is wrong is said beside the fields. */
export function parseHost(body: FormBody): Parsed<NewServer> {
  const address = (body['address'] ?? '').trim();
  const [, user, hostname = address, written] = ADDRESS.exec(address) ?? [];
  const typed = numberOf(body, 'sshPort');
  const port = written === undefined ? typed : Number(written);
  if (written !== undefined && typed !== null && ![port, SSH_PORT].includes(typed)) {
    return { success: false, error: { issues: [{ path: ['sshPort'], message: TWO_PORTS }] } };
  }
  const parsed = newServer.safeParse({
    name: isLocalHostname(hostname) ? 'this machine' : hostname,
    hostname,
    ...(user === undefined ? {} : { sshUser: user }),
    ...(port === null ? {} : { sshPort: port }),
  });
  if (parsed.success) return refuseLoopback(parsed, 'address');
  const [issue] = parsed.error.issues;
  if (issue === undefined) return { success: false, error: { issues: [] } };
  const isPortField = issue.path[0] === 'sshPort' && written === undefined && address !== '';
  return { success: false, error: { issues: [isPortField ? issue : beside(address, issue)] } };
}

/** The usual one, which the form proposes. */
const SSH_PORT = 22;
const TWO_PORTS = 'The address names another port. Keep one of the two.';

function beside(address: string, issue: InputIssue): InputIssue {
  const message =
    address === '' ? 'Please fill this in.' : `${WHAT[String(issue.path[0])] ?? ''}${issue.message}`;
  return { path: ['address'], message };
}

const WHAT: Readonly<Record<string, string>> = {
  sshUser: 'The user: ',
  sshPort: 'The port: ',
  hostname: 'The host: ',
};
