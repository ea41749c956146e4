import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { Ago } from '../parts/ago.tsx';
import { AskLink, Dialog, type Question } from '../parts/dialog.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { SelectField, TextArea, TextField } from '../parts/field.tsx';
import { Form } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import { Notice } from '../parts/notice.tsx';
import { Panel } from '../parts/panel.tsx';
import { ACTIONS, Table } from '../parts/table.tsx';

export interface ShownLogin {
  readonly engine: string;
  readonly username: string;
  readonly host: string | null;
  readonly port: number | null;
  /** Why it is not sent. */
  readonly held: readonly string[];
  readonly updatedAt: string;
}

/** An engine that has users. */
interface EngineName {
  readonly type: string;
  readonly displayName: string;
}

/** As whom restores and drills are made on a server. */
export function RestoreLoginsPage(props: {
  readonly frame: Frame;
  readonly server: { readonly id: string; readonly name: string };
  readonly environmentName: string;
  readonly logins: readonly ShownLogin[];
  readonly engines: readonly EngineName[];
  readonly form: FormState;
  readonly question: Question | null;
}) {
  const { frame, server, logins, form, engines } = props;
  const path = pathOf(server);
  const { isAdmin } = frame.user;
  return (
    <Page
      frame={frame}
      section="servers"
      title={`Logins for restores on ${server.name}`}
      back={{ href: `/servers/${server.id}`, label: server.name }}
      within={props.environmentName}
    >
      <Dialog question={props.question} />
      <p>
        The user that backs up may rightly only read. Restores and drills on this server sign in as the one
        given here, unless a person types another. What a backup holds runs with its rights: let it make
        databases, and no more than that.
      </p>
      {logins.some(({ held }) => held.length > 0) && (
        <Notice tone="warning">
          <p>
            <strong>A stored login is not sent:</strong> it was given for another target. Type it again.
          </p>
        </Notice>
      )}
      {logins.length === 0 ? (
        <EmptyState title="None is stored: restores sign in as who backs up." />
      ) : (
        <Table caption="Logins for restores" columns={['Engine', 'User', 'Host', 'Changed', ACTIONS]}>
          {logins.map((login) => (
            <tr key={login.engine}>
              <td>{nameOf(login.engine, engines)}</td>
              <td data-label="User">{login.username}</td>
              <td data-label="Host">
                {login.host ?? 'the server itself'}
                {login.port !== null && ` port ${login.port}`}
                {login.held.length > 0 && <p class="field-error">{login.held.join('; ')}</p>}
              </td>
              <td data-label="Changed">
                <Ago at={login.updatedAt} />
              </td>
              <td>
                {isAdmin && (
                  <AskLink
                    href={`${path}?forget=${login.engine}`}
                    label="Forget"
                    accessibleLabel={`Forget the login of ${nameOf(login.engine, engines)}`}
                  />
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
      {isAdmin && (
        <Panel title="Store a login">
          <Form action={path} form={form} submit="Store login">
            <SelectField
              form={form}
              name="engine"
              label="Engine"
              help="One each: another one takes the place of the one before."
              required
              choices={engines.map(({ type, displayName }) => ({ value: type, label: displayName }))}
            />
            <TextField
              form={form}
              name="username"
              label="User"
              autocomplete="off"
              spellcheck={false}
              required
            />
            <TextField
              form={form}
              name="password"
              label="Password"
              type="password"
              autocomplete="off"
              help="Stored sealed, never shown again, and sent to this target alone."
              required
            />
            <div class="grid">
              <TextField
                form={form}
                name="host"
                label="Host"
                help="Of the database server, as seen from here. Blank: this server itself."
                spellcheck={false}
              />
              <TextField
                form={form}
                name="port"
                label="Port"
                type="number"
                min={1}
                max={65_535}
                help="Blank: the usual one."
              />
            </div>
            <SelectField
              form={form}
              name="tlsMode"
              label="The way there must be"
              conditional
              help="At least: a restore by the settings of a database that ask for less is refused."
              choices={[
                { value: 'off', label: 'as the database’s settings say' },
                { value: 'encrypt', label: 'encrypted' },
                { value: 'verify', label: 'verified by certificate' },
              ]}
            />
            <TextArea
              form={form}
              name="tlsCa"
              label="Certificate authority"
              help="Where it is verified: the one of the database’s settings (PEM). Blank: those that the host trusts."
            />
          </Form>
        </Panel>
      )}
    </Page>
  );
}

/** Whether to forget a login. */
export function questionOfLogin(
  server: { readonly id: string },
  { engine, username }: ShownLogin,
  engines: readonly EngineName[],
): Question {
  return {
    title: `Forget the login for restores of ${nameOf(engine, engines)}?`,
    action: `${pathOf(server)}/delete`,
    submit: 'Forget login',
    back: pathOf(server),
    children: (
      <>
        <input type="hidden" name="engine" value={engine} />
        <p>
          It is <strong>{username}</strong>. Restores and drills then sign in as who backs up, who may not
          have the rights.
        </p>
      </>
    ),
  };
}

const pathOf = ({ id }: { readonly id: string }) => `/servers/${id}/restore-logins`;

const nameOf = (engine: string, engines: readonly EngineName[]) =>
  engines.find(({ type }) => type === engine)?.displayName ?? engine;
