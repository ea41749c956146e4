import type { Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import type { Choice } from './parts/field.tsx';
import { SelectField, TextField } from './parts/field.tsx';
import { FormErrors } from './parts/form-errors.tsx';
import type { FormState } from './parts/form-state.ts';
import { Table } from './parts/table.tsx';

export interface PolicyShown {
  readonly provider: { readonly id: string; readonly name: string };
  readonly buckets: readonly string[];
  readonly prefix: string;
  readonly document: string | null;
  readonly steps: readonly string[];
  readonly permissions: readonly Permission[];
  readonly optional: readonly Permission[];
}

interface Permission {
  readonly permission: string;
  readonly features: readonly string[];
}

/** The least that a key needs, for a provider, buckets and a prefix of the admin's choice. */
export function PolicyPage(props: {
  readonly frame: Frame;
  readonly providers: readonly Choice[];
  readonly form: FormState;
  readonly policy: PolicyShown | null;
}) {
  const { frame, form, policy } = props;
  return (
    <Page
      frame={frame}
      section="storage"
      title="The least that a key needs"
      back={{ href: '/admin/storage', label: 'Storage' }}
    >
      <form method="get" action="/admin/storage/policy">
        <FormErrors form={form} />
        <SelectField form={form} name="provider" label="Provider" choices={props.providers} required />
        <TextField
          form={form}
          name="bucket"
          label="Bucket"
          help="Several are separated by commas."
          spellcheck={false}
          required
        />
        <TextField
          form={form}
          name="prefix"
          label="Prefix"
          placeholder="production/"
          help="Blank: the whole bucket."
          spellcheck={false}
        />
        <div class="actions">
          <button type="submit">Show</button>
        </div>
      </form>
      {policy !== null && <Policy policy={policy} />}
    </Page>
  );
}

/** The same for what is configured, folded into the storage page. */
export function PolicyDetails({ policy }: { readonly policy: PolicyShown | null }) {
  return (
    <details class="policy">
      <summary>The least that a key needs{policy === null ? '' : ` at ${policy.provider.name}`}</summary>
      {policy === null ? <p>Name a bucket to see it.</p> : <Policy policy={policy} />}
      <p>
        <a href="/admin/storage/policy">For another provider, bucket or prefix</a>
      </p>
    </details>
  );
}

function Policy({ policy }: { policy: PolicyShown }) {
  const { document, steps, permissions, optional } = policy;
  return (
    <div class="policy-text">
      <p>
        It allows just what is used here, in {policy.buckets.join(', ')}
        {policy.prefix === '' ? '' : ` under ${policy.prefix}`}.
      </p>
      <ol>
        {steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      {document !== null && (
        <pre tabindex={0}>
          <code>{document}</code>
        </pre>
      )}
      <Table caption="What each permission is for" columns={['Permission', 'Needed for']}>
        {permissions.map((each) => (
          <Row key={each.permission} {...each} isOptional={false} />
        ))}
        {optional.map((each) => (
          <Row key={each.permission} {...each} isOptional />
        ))}
      </Table>
    </div>
  );
}

function Row({ permission, features, isOptional }: Permission & { isOptional: boolean }) {
  return (
    <tr>
      <th scope="row">
        {permission}
        {isOptional && <span class="optional"> optional</span>}
      </th>
      <td data-label="Needed for">{features.join('; ')}</td>
    </tr>
  );
}
