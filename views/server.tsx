import type { EnvironmentChoice, Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { Ago } from './parts/ago.tsx';
import { Confirm } from './parts/confirm.tsx';
import { DangerZone } from './parts/danger-zone.tsx';
import { AskLink, Dialog, type Question } from './parts/dialog.tsx';
import { Facts } from './parts/facts.tsx';
import { TextField } from './parts/field.tsx';
import { FirstNames, type FirstOf } from './parts/first-of.tsx';
import { Form, PostButton } from './parts/form.tsx';
import type { FormState } from './parts/form-state.ts';
import { Notice } from './parts/notice.tsx';
import { ConnectionTest, type TestResult } from './parts/try-connection.tsx';
import { type ServerItem, ServerStatus } from './servers.tsx';
import { AuthorizedKeysLine } from './ssh-key.tsx';

export function NewServerPage(props: {
  readonly frame: Frame;
  readonly environment: EnvironmentChoice;
  readonly form: FormState;
  /** Null where the app's own machine is no host, or is one of the environment already. */
  readonly ownMachine: { readonly isContainer: boolean } | null;
}) {
  const list = `/environments/${props.environment.id}/servers`;
  return (
    <Page
      frame={props.frame}
      section="servers"
      title="Add server"
      back={{ href: '/servers', label: 'Servers' }}
    >
      <Form action={`${list}/new`} form={props.form} submit="Create server" cancel="/servers">
        <ServerFields form={props.form} isOwn={false} />
      </Form>
      {props.ownMachine !== null && (
        <>
          <h2>Or this machine</h2>
          <OwnMachine isContainer={props.ownMachine.isContainer} />
          <PostButton
            action={`/environments/${props.environment.id}/servers/new`}
            label="Add this machine"
            values={OWN_MACHINE}
          />
        </>
      )}
    </Page>
  );
}

export function ServerPage(props: {
  readonly frame: Frame;
  readonly environment: EnvironmentChoice;
  readonly server: ServerItem;
  /** Whether the app's own machine is a container. */
  readonly isContainer: boolean;
  /** The line of the environment's key; null where there is none, or nobody is to see it. */
  readonly keyLine: { readonly line: string; readonly user: string } | null;
  readonly form: FormState;
  readonly test: TestResult | null;
  /** Databases that keep their passwords back, since the server or they lead elsewhere now. */
  readonly holding: readonly { readonly id: string; readonly name: string }[];
  readonly question: Question | null;
}) {
  const { frame, environment, server, form } = props;
  const { mayChange } = frame.user;
  return (
    <Page
      frame={frame}
      section="servers"
      title={server.name}
      back={{ href: '/servers', label: 'Servers' }}
      within={environment.name}
    >
      <Dialog question={props.question} />
      <ServerState server={server} isAdmin={frame.user.isAdmin} />
      {server.isOwn && <OwnMachine isContainer={props.isContainer} />}
      <p>
        <a href={`/servers/${server.id}/blackouts`}>Blackouts</a>: when nothing begins on it by schedule
      </p>
      {mayChange && (
        <p>
          <a href={`/servers/${server.id}/restore-logins`}>Logins for restores</a>: as whom backups are
          restored on it
        </p>
      )}
      {mayChange && !server.isOwn && server.status !== 'healthy' && props.keyLine !== null && (
        <AuthorizedKeysLine {...props.keyLine} />
      )}
      {mayChange && (
        <>
          {props.holding.length > 0 && <HoldingDatabases databases={props.holding} />}
          <ConnectionTest
            id="test-ssh"
            label={server.isOwn ? 'Test' : 'Test SSH'}
            action={`/servers/${server.id}/test`}
            result={props.test}
          />
          <p>
            <a class="button secondary" href={`/servers/${server.id}/find`}>
              Find databases
            </a>
          </p>
          <h2>Settings</h2>
          <Form action={`/servers/${server.id}`} form={form} submit="Save server">
            <ServerFields form={form} isOwn={server.isOwn} />
          </Form>
        </>
      )}
      {frame.user.isAdmin && (
        <DangerZone>
          <AskLink href={`/servers/${server.id}?delete`} label="Delete server" kind="button" />
        </DangerZone>
      )}
    </Page>
  );
}

function HoldingDatabases({
  databases,
}: {
  readonly databases: readonly { readonly id: string; readonly name: string }[];
}) {
  return (
    <Notice tone="warning">
      <p>
        <strong>Stored passwords are not sent, so backups fail.</strong> They were given for another target,
        such as the former address of this server. Each database asks for its own:
      </p>
      <ul>
        {databases.map(({ id, name }) => (
          <li key={id}>
            <a href={`/databases/${id}`}>{name}</a>
          </li>
        ))}
      </ul>
    </Notice>
  );
}

/** What the last connection found; it loads itself again when Test SSH has learnt something new. */
export function ServerState({ server, isAdmin }: { readonly server: ServerItem; readonly isAdmin: boolean }) {
  return (
    <div
      id="server-state"
      hx-get={`/servers/${server.id}/state`}
      hx-trigger="server-tested from:body"
      hx-swap="outerHTML"
    >
      <Facts
        facts={[
          ['Status', <ServerStatus status={server.status} />],
          ['Last checked', <Ago at={server.lastCheckedAt} />],
          ...(server.isOwn ? [] : [['Host key', <HostKey server={server} isAdmin={isAdmin} />] as const]),
        ]}
      />
    </div>
  );
}

function HostKey({ server, isAdmin }: { server: ServerItem; isAdmin: boolean }) {
  if (server.fingerprint === null) return <>none pinned yet</>;
  return (
    <>
      <code>{server.fingerprint}</code> {isAdmin && <ForgetHostKey server={server} />}
    </>
  );
}

/** What the button that registers the app's own machine sends. */
const OWN_MACHINE = { name: 'this machine', hostname: 'localhost', sshPort: '22' };

/** What "this machine" means, which in a container is easily taken for another. */
export function OwnMachine({ isContainer }: { readonly isContainer: boolean }) {
  return (
    <p>
      Runs commands here, without SSH: on the machine that BRIDGEPORT runs on.
      {isContainer &&
        ' That is the container itself, not the machine around it: only what is mounted or reachable from in here can be backed up so. To back up databases of the machine around it, add it by its address and reach it over SSH.'}
    </p>
  );
}

/** Of the app's own machine nothing of SSH is asked; its address is sent back as it is. */
function ServerFields({ form, isOwn }: { readonly form: FormState; readonly isOwn: boolean }) {
  if (isOwn) {
    return (
      <>
        <TextField form={form} name="name" label="Name" required />
        {['hostname', 'sshPort', 'sshUser', 'publicIp'].map((name) => (
          <input key={name} type="hidden" name={name} value={form.values[name] ?? ''} />
        ))}
        <TextField form={form} name="tags" label="Tags" help="Separated by commas." />
      </>
    );
  }
  return (
    <>
      <TextField form={form} name="name" label="Name" placeholder="db1" required />
      <TextField form={form} name="hostname" label="Hostname or address" placeholder="10.0.0.5" required />
      <div class="grid">
        <TextField form={form} name="sshPort" label="SSH port" type="number" min={1} max={65535} required />
        <TextField form={form} name="sshUser" label="SSH user" help="Blank: the environment's." />
      </div>
      <TextField form={form} name="publicIp" label="Public address" help="For your own reference." />
      <TextField form={form} name="tags" label="Tags" help="Separated by commas." />
    </>
  );
}

function ForgetHostKey({ server }: { server: ServerItem }) {
  return (
    <Confirm
      id="forget-host-key"
      label="Forget host key"
      kind="link"
      title={`Forget the host key of “${server.name}”?`}
      action={`/servers/${server.id}/host-key/forget`}
      submit="Forget host key"
    >
      <p>
        Do this only if you know why the server presents another key, such as after a reinstallation. The next
        connection that a person starts pins the key it meets.
      </p>
    </Confirm>
  );
}

/** Whether to delete a server; one that databases are on can't be. `message` says why it was refused. */
export function questionOfServer(
  { id, name }: Pick<ServerItem, 'id' | 'name'>,
  databases: FirstOf,
  message: string | null,
): Question {
  const isUsed = databases.count > 0;
  return {
    title: isUsed ? `“${name}” can’t be deleted yet` : `Delete the server “${name}”?`,
    action: `/servers/${id}/delete`,
    submit: isUsed ? null : 'Delete server',
    back: `/servers/${id}`,
    children: isUsed ? (
      <>
        <p>
          {databases.count === 1
            ? 'A database is on it: move or delete that one first.'
            : `${databases.count} databases are on it: move or delete those first.`}
        </p>
        <FirstNames of={databases} hrefOf={(database) => `/databases/${database}/settings`} />
      </>
    ) : (
      <>
        {message !== null && <Notice tone="error">{message}</Notice>}
        <p>Its address and its host key are forgotten. On the machine itself nothing changes.</p>
      </>
    ),
  };
}
