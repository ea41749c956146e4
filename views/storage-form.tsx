import { type Choice, SelectField, TextArea, TextField } from './field.tsx';
import { Form } from './form.tsx';
import type { FormState } from './form-state.ts';
import { Notice } from './notice.tsx';
import { type Frame, Page } from './page.tsx';

/** What a provider asks for. */
export interface ProviderForm {
  readonly id: string;
  readonly name: string;
  /** Empty: the region is typed. */
  readonly regions: readonly Choice[];
  /** True when the endpoint can't be made from the region. */
  readonly asksEndpoint: boolean;
  readonly endpointExample: string;
  readonly note: string | null;
}

export interface StorageFormProps {
  readonly providers: readonly Choice[];
  readonly provider: ProviderForm;
  readonly form: FormState;
  /** True once there is a secret key to keep. */
  readonly isConfigured: boolean;
}

export function StorageFormPage({ frame, ...props }: StorageFormProps & { readonly frame: Frame }) {
  return (
    <Page
      frame={frame}
      section="storage"
      title={props.isConfigured ? 'Edit storage' : 'Configure Spaces'}
      back={{ href: '/admin/storage', label: 'Storage' }}
    >
      <StorageForm {...props} />
    </Page>
  );
}

/** The provider choice and the form it decides; one fragment, since the one changes the other. */
export function StorageForm({ providers, provider, form, isConfigured }: StorageFormProps) {
  return (
    <div id="storage-form">
      <form method="get" action="/admin/storage/edit" class="provider-choice">
        <div class="field">
          <label for="provider">Provider</label>
          <select
            id="provider"
            name="provider"
            hx-get="/admin/storage/edit/form"
            hx-target="#storage-form"
            hx-swap="outerHTML"
          >
            {providers.map(({ value, label }) => (
              <option key={value} value={value} selected={value === provider.id}>
                {label}
              </option>
            ))}
          </select>
          {provider.note !== null && <small class="field-help">{provider.note}</small>}
        </div>
        <noscript>
          <button type="submit" class="secondary outline">
            Use this provider
          </button>
        </noscript>
      </form>
      <Form action="/admin/storage/edit" form={form} submit="Save Configuration" cancel="/admin/storage">
        <input type="hidden" name="provider" value={provider.id} />
        <TextField form={form} name="accessKey" label="Access Key" spellcheck={false} required />
        <TextField
          form={form}
          name="secretKey"
          label="Secret Key"
          type="password"
          help={
            isConfigured
              ? 'Stored encrypted and never shown. Leave it blank to keep the existing value.'
              : 'Stored encrypted and never shown.'
          }
          required={!isConfigured}
        />
        <RegionField form={form} provider={provider} />
        {provider.asksEndpoint ? (
          <TextField
            form={form}
            name="endpoint"
            label="Endpoint"
            placeholder={provider.endpointExample}
            help="Host name, with :port where needed; without https://."
            spellcheck={false}
            required
          />
        ) : (
          <Notice tone="info">
            The endpoint follows from the region: <code>{provider.endpointExample}</code>
          </Notice>
        )}
        <TextArea
          form={form}
          name="buckets"
          label="Buckets"
          help="One per line, for a key that is limited to certain buckets. Leave it empty if the key has full API access: buckets are then found by themselves."
        />
      </Form>
    </div>
  );
}

function RegionField({ form, provider }: { form: FormState; provider: ProviderForm }) {
  const field = { form, name: 'region', label: 'Region', required: true };
  if (provider.regions.length === 0) return <TextField {...field} />;
  return <SelectField {...field} choices={provider.regions} />;
}
