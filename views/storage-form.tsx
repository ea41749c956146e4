import type { Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { TestOutcome, type TestResult } from './parts/connection-test.tsx';
import {
  CheckboxField,
  type Choice,
  type FieldProps,
  SelectField,
  TextArea,
  TextField,
} from './parts/field.tsx';
import { Form } from './parts/form.tsx';
import type { FormState } from './parts/form-state.ts';
import { MayUse, type OfferedEnvironment } from './storage-may-use.tsx';

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

export interface StorageFormProps {
  readonly providers: readonly Choice[];
  readonly provider: ProviderForm;
  readonly form: FormState;
  /** The endpoint of the region in the form. */
  readonly endpoint: string;
  /** True once there is a secret key to keep. */
  readonly isConfigured: boolean;
  /** True while a session token is stored. */
  readonly hasSessionToken: boolean;
  /** Why the configuration in the form was not saved: it was tried, and this came back. */
  readonly failedTest: TestResult | null;
  /** Those that may not use the storage yet; the button that saves lets the ticked ones. */
  readonly environments: readonly OfferedEnvironment[];
  /** Where to go on; absent: the page of the storage. */
  readonly next?: string;
  /** The endpoint that was pasted to tell whose storage it is. */
  readonly pasted?: string;
}

export function StorageFormPage({ frame, ...props }: StorageFormProps & { readonly frame: Frame }) {
  return (
    <Page
      frame={frame}
      section="storage"
      title={props.isConfigured ? 'Edit storage' : 'Configure Spaces'}
      back={{ href: '/admin/storage', label: 'Storage' }}
    >
      {props.isConfigured ? <StorageForm {...props} /> : <NewStorageForm {...props} />}
    </Page>
  );
}

/** A first configuration: who has an endpoint at hand need not find its provider in a list. */
export function NewStorageForm(props: StorageFormProps) {
  return (
    <>
      <PasteEndpoint {...props} />
      <StorageForm {...props} />
    </>
  );
}

/** The provider choice and the form it decides; one fragment, since the one changes the other. */
export function StorageForm(props: StorageFormProps) {
  const { provider, form, isConfigured, failedTest } = props;
  return (
    <div id="storage-form">
      {failedTest !== null && <NotSaved test={failedTest} isConfigured={isConfigured} />}
      <Form
        action={SAVE}
        id={FORM}
        form={form}
        isExplained={failedTest !== null}
        submit={isConfigured ? 'Test and Save Configuration' : 'Save Configuration'}
        {...(props.next === undefined ? { cancel: '/admin/storage' } : {})}
        actions={
          <>
            {failedTest !== null && (
              <button type="submit" class="secondary" name="saveAnyway" value="true">
                Save anyway
              </button>
            )}
            <WithoutScript isNew={!isConfigured} />
          </>
        }
      >
        <ProviderChoice {...props} />
        {props.next !== undefined && <input type="hidden" name="next" value={props.next} />}
        <TextField form={form} name="accessKey" label="Access Key" spellcheck={false} required />
        <TextField
          form={form}
          name="secretKey"
          label="Secret Key"
          type="password"
          help={
            isConfigured && form.errors['secretKey'] === undefined
              ? 'Stored encrypted and never shown. Leave it blank to keep the existing value.'
              : 'Stored encrypted and never shown.'
          }
          required={!isConfigured || form.errors['secretKey'] !== undefined}
          isPreserved
        />
        <RegionField form={form} provider={provider} />
        <EndpointField {...props} />
        <TextArea form={form} name="buckets" label="Buckets" help={provider.bucketsHelp} />
        <TemporaryKeys {...props} />
        <Encryption {...props} />
        <MayUse environments={props.environments} />
        <p>
          <a href={`/admin/storage/policy?provider=${provider.id}`}>The least that a key needs</a>
        </p>
      </Form>
    </div>
  );
}

/** For keys of AWS's STS and its like; most people have none. */
function TemporaryKeys({ form, hasSessionToken }: StorageFormProps) {
  return (
    <details open={hasSessionToken || form.errors['sessionToken'] !== undefined}>
      <summary>My keys are temporary</summary>
      <TextField
        form={form}
        name="sessionToken"
        label="Session token"
        type="password"
        help={
          hasSessionToken
            ? 'Stored encrypted and never shown. Leave it blank to keep it while the access key stays the same.'
            : 'Keys of AWS STS (ASIA…) need it. Stored encrypted and never shown. Backups fail once it has expired.'
        }
        isPreserved
      />
      {hasSessionToken && (
        <CheckboxField form={form} name="clearSessionToken" label="Remove the session token" />
      )}
    </details>
  );
}

const ENCRYPTIONS: readonly Choice[] = [
  { value: 'none', label: 'Ask for none' },
  { value: 'AES256', label: 'AES256 (keys of the provider)' },
  { value: 'aws:kms', label: 'aws:kms (a key management service)' },
];

function Encryption({ form, provider }: StorageFormProps) {
  const isSet = (form.values['encryption'] ?? 'none') !== 'none';
  return (
    <details open={isSet || form.errors['encryptionKeyId'] !== undefined}>
      <summary>Encryption by the provider</summary>
      <SelectField
        form={form}
        name="encryption"
        label="Server-side encryption"
        choices={ENCRYPTIONS}
        help={provider.encryptionHelp}
      />
      <TextField
        form={form}
        name="encryptionKeyId"
        label="KMS key id"
        help="For aws:kms: id, ARN or alias; blank for the provider's default key."
        spellcheck={false}
      />
    </details>
  );
}

/** Fetches the form anew, filled with what was typed and ticked. Sent in the body: an address is no place for a key. */
const filledFor = (change: 'provider' | 'paste') => ({
  'hx-post': `${SAVE}?do=${change}`,
  'hx-select': '#storage-form',
  'hx-target': '#storage-form',
  'hx-swap': 'outerHTML',
});

/** Outside of what it loads, so that it keeps the focus; a field of the form all the same. */
function PasteEndpoint({ form, pasted = '' }: StorageFormProps) {
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
        placeholder="s3.eu-central-003.backblazeb2.com"
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
function ProviderChoice({ providers, provider, form }: StorageFormProps) {
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
function WithoutScript({ isNew }: { readonly isNew: boolean }) {
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

const SAVE = '/admin/storage/edit';
const FORM = 'storage-edit';

function NotSaved({ test, isConfigured }: { test: TestResult; isConfigured: boolean }) {
  return (
    <TestOutcome result={test}>
      <p>
        <strong>
          {isConfigured ? 'Nothing was saved: the present configuration stays in use.' : 'Nothing was saved.'}
        </strong>{' '}
        Mend the form and send it again, or save it anyway.
      </p>
    </TestOutcome>
  );
}

function RegionField({ form, provider }: { form: FormState; provider: ProviderForm }) {
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

function EndpointField({ form, provider, endpoint }: StorageFormProps) {
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
