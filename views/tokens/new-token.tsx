import type { Frame, Role } from '../frame/frame.ts';
import type { Section } from '../frame/navigation.ts';
import { type Crumb, Page } from '../frame/page.tsx';
import { Day } from '../parts/ago.tsx';
import { CopyBlock } from '../parts/copy-block.tsx';
import { CheckboxField, type Choice, RadioField, SelectField, TextField } from '../parts/field.tsx';
import { Form } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import { Notice } from '../parts/notice.tsx';

/** Where the form stands: among all tokens, or under one's own account. */
export interface TokenPlace {
  readonly section: Section;
  readonly back: Crumb;
  /** That the form is sent to. */
  readonly action: string;
}

const ACCESSES: readonly Choice[] = [
  {
    value: 'backups',
    label: 'Back up: ask for backups, see how they went, pin those that it asked for. Nothing else',
  },
  { value: 'metrics', label: 'Read the metrics, for Prometheus: of all environments, and nothing else' },
  { value: 'full', label: 'All that its role may' },
];
const WHERE: readonly Choice[] = [
  { value: 'some', label: 'Some environments' },
  { value: 'all', label: 'All environments' },
];
const ENDS: readonly Choice[] = [
  { value: '7', label: 'in 7 days' },
  { value: '30', label: 'in 30 days' },
  { value: '90', label: 'in 90 days' },
  { value: '180', label: 'in 180 days' },
  { value: '365', label: 'in a year' },
];

export function NewTokenPage(props: {
  readonly frame: Frame;
  readonly place: TokenPlace;
  readonly form: FormState;
  /** What it may have at most. */
  readonly roles: readonly Role[];
  /** Whose it may be; null: one's own. */
  readonly owners: readonly Choice[] | null;
}) {
  const { frame, place, form, roles, owners } = props;
  return (
    <Page frame={frame} section={place.section} title="New API token" back={place.back}>
      <Form action={place.action} form={form} submit="Make token" cancel={place.back.href}>
        <TextField
          form={form}
          name="name"
          label="Name"
          help="What it is for, such as “nightly cron on db2”: you will know it by this when you revoke it."
          required
        />
        {owners !== null && (
          <SelectField
            form={form}
            name="owner"
            label="Owner"
            choices={owners}
            help="It never may more than its owner, and ends with them."
            required
          />
        )}
        <RadioField form={form} name="access" label="What may it do?" choices={ACCESSES} required />
        <SelectField
          form={form}
          name="role"
          label="Role"
          choices={roles.map((role) => ({ value: role, label: role }))}
          help="At most. To ask for backups takes operator; a viewer sees them."
          required
        />
        <RadioField form={form} name="where" label="Where?" choices={WHERE} required />
        <Environments frame={frame} form={form} />
        <SelectField form={form} name="expiresInDays" label="Ends" choices={ENDS} required />
      </Form>
    </Page>
  );
}

/** Hidden by the style sheet while the token is for all. */
function Environments({ frame, form }: { readonly frame: Frame; readonly form: FormState }) {
  const error = form.errors['environmentIds'];
  return (
    <fieldset
      class="token-environments"
      aria-describedby={error === undefined ? undefined : 'environments-error'}
    >
      <legend>Which environments?</legend>
      {error !== undefined && (
        <small id="environments-error" class="field-error">
          {error}
        </small>
      )}
      {frame.environments.map(({ id, name }) => (
        <CheckboxField key={id} form={form} name={`environment.${id}`} label={name} />
      ))}
      {frame.environments.length === 0 && <p>There is none yet.</p>}
    </fieldset>
  );
}

/** A command that tries a token, and what its answer shows. */
export interface FirstRequest {
  readonly shows: 'databases' | 'metrics' | 'itself';
  readonly command: string;
}

const SHOWN = {
  databases: (
    <>
      It lists the databases with the ids by which a backup is asked for:{' '}
      <a href="/docs/post-environments-envId-databases-id-backups">how to ask, and to wait for its end</a>.
    </>
  ),
  metrics: 'It answers all metrics as Prometheus reads them.',
  itself: (
    <>
      It answers whom the token stands for. <a href="/docs">All that can be asked</a>.
    </>
  ),
} as const;

/** The one time that a token is shown. */
export function TokenMadePage(props: {
  readonly frame: Frame;
  readonly place: TokenPlace;
  readonly name: string;
  readonly token: string;
  readonly expiresAt: string;
  readonly first: FirstRequest;
}) {
  const { frame, place, name, token, first } = props;
  return (
    <Page frame={frame} section={place.section} title="API token made" back={place.back}>
      <Notice tone="warning">Copy it now. It is stored nowhere, and not shown again.</Notice>
      <p>
        <strong>{name}</strong>, until <Day at={props.expiresAt} />:
      </p>
      <CopyBlock id="new-token" text={token} label="API token" />
      <p>
        Keep it where your pipeline keeps its secrets. Try it, with the token in the variable{' '}
        <code>TOKEN</code>:
      </p>
      <CopyBlock id="first-request" text={first.command} label="A first request" />
      <p>{SHOWN[first.shows]}</p>
      <div class="actions">
        <a class="button" href={place.back.href}>
          I have copied it
        </a>
      </div>
    </Page>
  );
}
