import type { Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { CheckboxField, type Choice, SelectField, TextArea, TextField } from './parts/field.tsx';
import { Form } from './parts/form.tsx';
import type { FormState } from './parts/form-state.ts';
import { TestOutcome, type TestResult } from './parts/try-connection.tsx';
import { EndpointField, RegionField } from './storage-endpoint.tsx';
import { MayUse, type OfferedEnvironment } from './storage-may-use.tsx';
import {
  FORM,
  PasteEndpoint,
  ProviderChoice,
  type ProviderForm,
  SAVE,
  WithoutScript,
} from './storage-provider.tsx';

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
