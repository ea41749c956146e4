import type { Choice } from './parts/field.tsx';
import type { FormState } from './parts/form-state.ts';

/** What a provider asks for. */
export interface ProviderForm {
  readonly id: string;
  readonly name: string;
  /** Empty: the region is typed. A single one is not asked for. */
  readonly regions: readonly Choice[];
  /** Whether the endpoint is made from the region, from the id of an account, or typed. */
  readonly asks: 'region' | 'account' | 'endpoint';
  readonly endpointExample: string;
  /** A whole endpoint, in the region that most begin with. */
  readonly addressExample: string;
  readonly note: string | null;
  /** What to know about the names of buckets. */
  readonly bucketsHelp: string;
  /** What is known of its encryption. */
  readonly encryptionHelp: string;
}

/** Where the form of the storage is sent, and its id. */
export const SAVE = '/admin/storage/edit';
export const FORM = 'storage-edit';

/** Fetches the form anew, filled with what was typed and ticked. Sent in the body: an address is no place for a key. */
const filledFor = (change: 'provider' | 'paste') => ({
  'hx-post': `${SAVE}?do=${change}`,
  'hx-select': '#storage-form',
  'hx-target': '#storage-form',
  'hx-swap': 'outerHTML',
  'hx-sync': 'replace',
});

/** Outside of what it loads, so that it keeps the focus; a field of the form all the same. */
export function PasteEndpoint({
  form,
  provider,
  pasted = '',
}: {
  readonly form: FormState;
  /** Whose address is shown as an example. */
  readonly provider: ProviderForm;
  readonly pasted?: string;
}) {
  return (
    <div class="field">
      <label for="pasted">
        Paste the storage’s address <span class="optional">optional</span>
      </label>
      <input
        id="pasted"
        name="pasted"
        form={FORM}
        type="text"
        value={form.values['pasted'] ?? pasted}
        maxlength={1024}
        spellcheck={false}
        autocomplete="off"
        placeholder={provider.addressExample}
        aria-describedby="help-pasted"
        hx-trigger="input changed delay:150ms"
        {...filledFor('paste')}
      />
      <small id="help-pasted" class="field-help">
        The endpoint that your provider shows for the bucket: it tells the provider, and mostly the region. Or
        leave it empty, and choose the provider.
      </small>
    </div>
  );
}

/** The provider decides which fields there are; those that it leaves stay as they were filled. */
export function ProviderChoice({
  providers,
  provider,
  form,
}: {
  readonly providers: readonly Choice[];
  readonly provider: ProviderForm;
  readonly form: FormState;
}) {
  const { typedEndpoint } = form.values;
  return (
    <div class="field">
      {/* Whose fields these are: another choice asks for its own before anything is saved. */}
      <input type="hidden" name="shownProvider" value={provider.id} />
      {typedEndpoint !== undefined && <input type="hidden" name="typedEndpoint" value={typedEndpoint} />}
      <label for="provider">Provider</label>
      <select id="provider" name="provider" {...filledFor('provider')}>
        {providers.map(({ value, label }) => (
          <option key={value} value={value} selected={value === provider.id}>
            {label}
          </option>
        ))}
      </select>
      {provider.note !== null && <small class="field-help">{provider.note}</small>}
    </div>
  );
}

/** Last, since the first button of a form is what Enter presses. */
export function WithoutScript({ isNew }: { readonly isNew: boolean }) {
  return (
    <noscript>
      {isNew && (
        <button type="submit" class="secondary outline" formaction={`${SAVE}?do=paste`} formnovalidate>
          Use the pasted address
        </button>
      )}
      <button type="submit" class="secondary outline" formaction={`${SAVE}?do=provider`} formnovalidate>
        Use the chosen provider
      </button>
    </noscript>
  );
}
