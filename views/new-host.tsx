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
        <HostAddressField form={form} />
      </Form>
    </Page>
  );
}

export function HostAddressField({ form }: { readonly form: FormState }) {
  return (
    <TextField
      form={form}
      name="address"
      label="Address"
      placeholder="root@db1.example.com"
      help="user@host or user@host:port. Without a user: the environment's; without a port: 22."
      spellcheck={false}
      required
    />
  );
}
