import { Found, type FoundList, type SearchedServer } from './found-databases.tsx';
import type { Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { type Choice, SelectField, TextArea, TextField } from './parts/field.tsx';
import { FormErrors } from './parts/form-errors.tsx';
import type { FormState } from './parts/form-state.ts';

export interface FindFormProps {
  readonly server: SearchedServer;
  readonly engines: readonly { readonly type: string; readonly displayName: string }[];
  readonly form: FormState;
  readonly found: FoundList | null;
  /** Where to go on after the registration; absent: the list of databases. */
  readonly next?: string;
  /** Where the form of a new database from which one came is shown again as it was typed. */
  readonly back?: string | null;
}

export function FindDatabasesPage(props: FindFormProps & { readonly frame: Frame }) {
  const { server } = props;
  return (
    <Page
      frame={props.frame}
      section="servers"
      title={`Find databases on ${server.name}`}
      back={{ href: `/servers/${server.id}`, label: server.name }}
    >
      <FindForm {...props} />
    </Page>
  );
}

/**
 * One form for both steps: what was typed to look for databases is what the ticked ones are registered with, so that no
 * password has to be sent back.
 */
export function FindForm(props: FindFormProps) {
  const { server, form, engines } = props;
  const action = `/servers/${server.id}/find`;
  return (
    <form method="post" action={action} class="find-form">
      <FormErrors form={form} />
      {props.back && <input type="hidden" name="typed" value={form.values['typed']} />}
      {props.next !== undefined && <input type="hidden" name="next" value={props.next} />}
      <SelectField
        form={form}
        name="type"
        label="Kind of database"
        choices={engines.map(({ type, displayName }) => ({ value: type, label: displayName }))}
        required
      />
      <div class="when-network">
        <div class="grid">
          <TextField form={form} name="username" label="Database user" conditional />
          <TextField form={form} name="password" label="Database password" type="password" conditional />
        </div>
        <div class="host-address">
          <TextField
            form={form}
            name="host"
            label="Host"
            conditional
            help="As seen from the server, so that localhost is the server itself. Blank: its socket."
          />
          <TextField
            form={form}
            name="port"
            label="Port"
            conditional
            type="number"
            min={1}
            max={65535}
            help="Blank: the usual."
          />
        </div>
        <details open={['tlsMode', 'tlsCa'].some((name) => form.errors[name] !== undefined)}>
          <summary>TLS to the database: if it offers it</summary>
          <SelectField form={form} name="tlsMode" label="TLS to the database" choices={TLS} />
          <TextArea
            form={form}
            name="tlsCa"
            label="Certificate authority"
            help="For verify: the certificate (PEM) of the authority. Blank: those that the host trusts."
          />
        </details>
      </div>
      <div class="when-files">
        <TextArea
          form={form}
          name="folders"
          label="Folders"
          conditional
          help="One per line; the folders in them are looked through too, eight deep."
        />
      </div>
      <div class="actions">
        <button
          type="submit"
          class={props.found === null ? undefined : 'secondary'}
          hx-post={`${action}/result`}
          hx-target="#found"
          hx-swap="innerHTML"
          hx-indicator="#find-wait"
        >
          Find databases
        </button>
        {props.back && (
          <button type="submit" class="secondary outline" formaction={props.back} formnovalidate>
            Back to the form
          </button>
        )}
        <span id="find-wait" class="htmx-indicator" aria-hidden="true">
          Looking…
        </span>
      </div>
      <div id="found" aria-live="polite">
        {props.found !== null && <Found server={server} list={props.found} form={form} />}
      </div>
    </form>
  );
}

const TLS: readonly Choice[] = [
  { value: 'off', label: 'if offered: encrypts where the server can, without checking whom' },
  { value: 'encrypt', label: 'encrypt only: does not check whom' },
  { value: 'verify', label: 'verify: checks the certificate and the host name' },
];
