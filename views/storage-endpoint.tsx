import { type FieldProps, SelectField, TextField } from './parts/field.tsx';
import type { FormState } from './parts/form-state.ts';
import type { ProviderForm } from './storage-provider.tsx';

interface Located {
  readonly form: FormState;
  readonly provider: ProviderForm;
}

/** Where at the provider it lies; nothing to see of one that has a single region. */
export function RegionField({ form, provider }: Located) {
  const field = { form, name: 'region', label: 'Region', required: true };
  const [only, ...others] = provider.regions;
  if (only !== undefined && others.length === 0)
    return <input type="hidden" name="region" value={only.value} />;
  if (provider.asks !== 'region') return <AnyRegion field={field} provider={provider} />;
  // A change loads the endpoint that follows from it.
  return (
    <div
      hx-get={`/admin/storage/edit/endpoint?provider=${provider.id}`}
      hx-trigger="change"
      hx-include="#field-region, #field-newRegion"
      hx-target="#derived-endpoint"
      hx-swap="outerHTML"
      hx-sync="replace"
    >
      <AnyRegion field={field} provider={provider} />
    </div>
  );
}

/** Chosen from the known ones, or typed. What is typed for one that the list lacks wins over the list. */
function AnyRegion({ field, provider }: { field: FieldProps; provider: ProviderForm }) {
  if (provider.regions.length === 0) return <TextField {...field} />;
  const { form } = field;
  // Of a pasted endpoint that names none.
  const none = form.values['region'] === '' ? [{ value: '', label: 'Choose the region' }] : [];
  return (
    <>
      <SelectField {...field} choices={[...none, ...provider.regions]} />
      <details open={Boolean(form.values['newRegion'])}>
        <summary>Mine is not in this list</summary>
        <TextField form={form} name="newRegion" label="Its code" placeholder={provider.regions[0]?.value} />
      </details>
    </>
  );
}

/** What is asked for where the region does not tell it. */
export function EndpointField({ form, provider, endpoint }: Located & { readonly endpoint: string }) {
  if (provider.asks === 'region') return <DerivedEndpoint endpoint={endpoint} />;
  if (provider.asks === 'account') {
    return (
      <TextField
        form={form}
        name="endpoint"
        label="Account ID or endpoint"
        placeholder={provider.endpointExample}
        help={`The endpoint is ${provider.endpointExample}.`}
        spellcheck={false}
        required
      />
    );
  }
  return (
    <TextField
      form={form}
      name="endpoint"
      label="Endpoint"
      placeholder={provider.endpointExample}
      help="Host name, with :port where needed; https is meant without being typed."
      spellcheck={false}
      required
    />
  );
}

/** The endpoint that follows from the region. */
export function DerivedEndpoint({ endpoint }: { readonly endpoint: string }) {
  return (
    <p id="derived-endpoint" class="derived-endpoint" aria-live="polite">
      Endpoint: <code>{endpoint}</code>
      <small class="field-help">It follows from the region.</small>
    </p>
  );
}
