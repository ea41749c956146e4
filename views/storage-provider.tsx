import type { Choice } from './parts/field.tsx';

/** What a provider asks for. */
export interface ProviderForm {
  readonly id: string;
  readonly name: string;
  /** Empty: the region is typed. A single one is not asked for. */
  readonly regions: readonly Choice[];
  /** Whether the endpoint is made from the region, from the id of an account, or typed. */
  readonly asks: 'region' | 'account' | 'endpoint';
  readonly endpointExample: string;
  readonly note: string | null;
  /** What to know about the names of buckets. */
  readonly bucketsHelp: string;
  /** What is known of its encryption. */
  readonly encryptionHelp: string;
}

interface Goes {
  /** Where to go on behind the form; absent: the page of the storage. */
  readonly next?: string;
}

/** The endpoint that tells whose storage it is. Outside of what it loads, so that it keeps the focus. */
export function PasteEndpoint({ next, pasted = '' }: Goes & { readonly pasted?: string }) {
  return (
    <form method="get" action="/admin/storage/edit" class="provider-choice">
      {next !== undefined && <input type="hidden" name="next" value={next} />}
      <div class="field">
        <label for="pasted">
          Paste the storage’s address <span class="optional">optional</span>
        </label>
        <input
          id="pasted"
          name="pasted"
          type="text"
          value={pasted}
          maxlength={1024}
          spellcheck={false}
          autocomplete="off"
          placeholder="s3.eu-central-003.backblazeb2.com"
          aria-describedby="help-pasted"
          hx-get="/admin/storage/edit/form"
          hx-trigger="input changed delay:150ms"
          hx-target="#storage-form"
          hx-swap="outerHTML"
          hx-include="closest form"
        />
        <small id="help-pasted" class="field-help">
          The endpoint that your provider shows for the bucket: it tells the provider, and mostly the region.
          Or leave it empty, and choose the provider.
        </small>
      </div>
      <noscript>
        <div class="actions">
          <button type="submit" class="secondary outline">
            Use this address
          </button>
        </div>
      </noscript>
    </form>
  );
}

/** Chosen from the list: the form is another for each. */
export function ProviderChoice({
  providers,
  provider,
  next,
}: Goes & { readonly providers: readonly Choice[]; readonly provider: ProviderForm }) {
  return (
    <form method="get" action="/admin/storage/edit" class="provider-choice">
      {next !== undefined && <input type="hidden" name="next" value={next} />}
      <div class="field">
        <label for="provider">Provider</label>
        <select
          id="provider"
          name="provider"
          hx-get="/admin/storage/edit/form"
          hx-target="#storage-form"
          hx-swap="outerHTML"
          hx-include="closest form"
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
        <div class="actions">
          <button type="submit" class="secondary outline">
            Use this provider
          </button>
        </div>
      </noscript>
    </form>
  );
}
