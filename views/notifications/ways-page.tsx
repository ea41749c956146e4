import type { Child } from 'hono/jsx';
import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { Ago } from '../parts/ago.tsx';
import { Confirm } from '../parts/confirm.tsx';
import { Dialog, type Question } from '../parts/dialog.tsx';
import { CheckboxField, SelectField, TextField } from '../parts/field.tsx';
import { Form, PostButton } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import { Notice } from '../parts/notice.tsx';
import { Panel } from '../parts/panel.tsx';
import { NotificationTabs } from './notification-tabs.tsx';

export interface MailItem {
  readonly host: string;
  readonly port: number;
  readonly hasPassword: boolean;
  readonly lastOkAt: string | null;
  readonly lastError: string | null;
  readonly failingSince: string | null;
}

const SECURITIES = [
  { value: 'starttls', label: 'STARTTLS (mostly port 587)' },
  { value: 'tls', label: 'TLS from the beginning (mostly port 465)' },
  { value: 'none', label: 'None: in the clear, without a password' },
] as const;

/** The ways by which people are told beside the app: mail, and what stands below it. */
export function WaysPage(props: {
  readonly frame: Frame;
  readonly mail: MailItem | null;
  readonly form: FormState;
  /** What was entered was not taken: it may be saved all the same. */
  readonly maySaveAnyway: boolean;
  /** About one of the channels. */
  readonly question: Question | null;
  readonly children?: Child;
}) {
  const { frame, mail, form } = props;
  return (
    <Page frame={frame} section="notifications" title="Notifications">
      <NotificationTabs chosen="channels" role={frame.user.role} />
      <Dialog question={props.question} />
      <Panel title="Mail" id="mail">
        {mail === null ? (
          <p>No mail server is entered yet: people are told in the app alone.</p>
        ) : (
          <MailState mail={mail} />
        )}
        <Form action="/notifications/channels/mail" form={form} submit="Test and save">
          <TextField
            form={form}
            name="host"
            label="Mail server"
            placeholder="smtp.example.com"
            help="A test mail is sent to you before it is saved."
            required
          />
          <TextField form={form} name="port" label="Port" type="number" min={1} max={65535} required />
          <SelectField form={form} name="security" label="Security" choices={SECURITIES} required />
          <TextField form={form} name="username" label="User name" />
          <TextField
            form={form}
            name="password"
            label="Password"
            type="password"
            conditional
            help={
              mail?.hasPassword
                ? 'Empty: the one that is stored, for the same server and user.'
                : 'Stored sealed, and not shown again.'
            }
          />
          <TextField form={form} name="sender" label="Mail comes from" type="email" required />
          {props.maySaveAnyway && (
            <CheckboxField form={form} name="saveAnyway" label="Save it though the test failed" />
          )}
        </Form>
        {mail !== null && (
          <div class="actions">
            <PostButton action="/notifications/channels/mail/test" label="Send me a test mail" />
            <Confirm
              id="remove-mail"
              label="Remove the mail server"
              title={`Send no mail by ${mail.host} any more?`}
              action="/notifications/channels/mail/delete"
              submit="Remove mail server"
            >
              <p>What is still to be sent is dropped; it stands in the app.</p>
            </Confirm>
          </div>
        )}
      </Panel>
      {props.children}
    </Page>
  );
}

function MailState({ mail }: { readonly mail: MailItem }) {
  const { host, port, lastOkAt, lastError } = mail;
  return (
    <>
      <p>
        Mail goes out by <strong>{`${host}:${port}`}</strong>. Last taken:{' '}
        <Ago at={lastOkAt} none="nothing yet" />.
      </p>
      <WayTrouble lastError={lastError} failingSince={mail.failingSince} />
    </>
  );
}

/** What a way out answered last, where that was no good. */
export function WayTrouble(props: {
  readonly lastError: string | null;
  readonly failingSince: string | null;
}) {
  if (props.lastError === null) return null;
  return (
    <Notice tone={props.failingSince === null ? 'warning' : 'error'}>
      {props.lastError}
      {props.failingSince !== null && (
        <>
          {' '}
          Failing since <Ago at={props.failingSince} />.
        </>
      )}
    </Notice>
  );
}
