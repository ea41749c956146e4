import type { EnvironmentChoice, Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { TextField } from './parts/field.tsx';
import { Form } from './parts/form.tsx';
import type { FormState } from './parts/form-state.ts';

/** The form of a host's address, where the one on the overview came back. */
export function NewHostPage(props: {
  readonly frame: Frame;
  readonly environment: EnvironmentChoice;
  readonly form: FormState;
}) {
  const { frame, environment, form } = props;
  return (
    <Page
      frame={frame}
      section="servers"
      title="Add server"
      back={{ href: '/', label: 'Overview' }}
      within={environment.name}
    >
      <Form action={`/environments/${environment.id}/hosts`} form={form} submit="Add the server" cancel="/">
        <HostAddressFields form={form} />
      </Form>
    </Page>
  );
}

export function HostAddressFields({ form }: { readonly form: FormState }) {
  return (
    <div class="host-address">
      <TextField
        form={form}
        name="address"
        label="Address"
        placeholder="backup@db1.example.com"
        help="user@host: the account on the server that may read the databases (not the database's user). Without one: the one of the environment."
        spellcheck={false}
        required
      />
      <TextField form={form} name="sshPort" label="SSH port" type="number" min={1} max={65535} required />
    </div>
  );
}
