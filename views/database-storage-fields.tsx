import type { EngineForm } from './dump-options.tsx';
import { type Choice, RadioField, SelectField, TextField } from './parts/field.tsx';
import { type FormState, hasErrorIn } from './parts/form-state.ts';
import { Notice } from './parts/notice.tsx';

export interface DatabaseFormChoices {
  readonly engine: EngineForm;
  readonly servers: readonly Choice[];
  /** True where one of them can be looked on for databases. */
  readonly mayFind: boolean;
  /** What the default key prefix is made of. */
  readonly environmentName: string;
  readonly storageIsEnabled: boolean;
  readonly storageIsConfigured: boolean;
  /** True for who may let the environment use the storage. */
  readonly mayEnable: boolean;
  /** Answers GET with the bucket field, filled with what the storage lists. */
  readonly bucketField: string;
  readonly hasCredentials: boolean;
}

export interface DatabaseFieldsProps {
  readonly form: FormState;
  readonly choices: DatabaseFormChoices;
  /** Where the form goes. */
  readonly action: string;
}

/** The form sent to do something else than to save it. */
export const doing = (action: string, what: string) =>
  `${action}${action.includes('?') ? '&' : '?'}do=${what}`;

export function StorageFields({ form, choices, action }: DatabaseFieldsProps) {
  return (
    <div class="storage-choice">
      {!choices.storageIsEnabled && <StorageIsOff choices={choices} action={action} />}
      <RadioField
        form={form}
        name="backupStorageType"
        label="Backup Storage"
        choices={[
          { value: 'spaces', label: 'Spaces: the S3-compatible storage of this installation' },
          { value: 'local', label: "Local: a folder on the database's server" },
        ]}
        required
      />
      <div class="when-in-bucket">
        <BucketField form={form} buckets={null} help={null} source={choices.bucketField} />
      </div>
      <div class="when-local">
        <TextField
          form={form}
          name="backupLocalPath"
          label="Folder"
          placeholder="/var/backups"
          help="An absolute path on the server. Blank: /var/backups."
        />
      </div>
      <PrefixAndAge form={form} choices={choices} />
    </div>
  );
}

/** What most people leave as it is, behind a line that says how it stands; the prefix only of what goes to the storage. */
function PrefixAndAge({ form, choices }: Pick<DatabaseFieldsProps, 'form' | 'choices'>) {
  const { backupSpacesPrefix: prefix, maxBackupAgeHours: hours } = form.values;
  const byDefault = `${choices.environmentName}/<database name>/`;
  return (
    <details open={hasErrorIn(form, ['backupSpacesPrefix', 'maxBackupAgeHours'])}>
      <summary>
        Late after {hours || 'the usual'} hours
        <span class="when-in-bucket">, key prefix {prefix || byDefault}</span>
      </summary>
      <div class="when-in-bucket">
        <TextField form={form} name="backupSpacesPrefix" label="Key prefix" help={`Blank: ${byDefault}`} />
      </div>
      <TextField
        form={form}
        name="maxBackupAgeHours"
        label="Should be no older than (hours)"
        type="number"
        min={1}
        max={8784}
        help="A database whose last good backup is older counts as late. 26 fits a backup every night."
        required
      />
    </details>
  );
}

/** Said where it is chosen, with the button: a backup on the machine that it protects is easily taken for enough. */
function StorageIsOff({ choices, action }: Pick<DatabaseFieldsProps, 'choices' | 'action'>) {
  const { environmentName, storageIsConfigured, mayEnable } = choices;
  return (
    <Notice tone="warning">
      <p>
        {storageIsConfigured
          ? `Storage is not enabled for ${environmentName}, so backups to Spaces fail.`
          : 'No storage is configured yet, so backups to Spaces fail.'}{' '}
        A local folder lies on the machine that it is to protect.
        {!mayEnable && ' An admin changes that under Admin > Storage.'}
      </p>
      {mayEnable && storageIsConfigured && (
        <button type="submit" class="secondary" formaction={doing(action, 'enable-storage')} formnovalidate>
          Enable storage for {environmentName}
        </button>
      )}
      {mayEnable && !storageIsConfigured && <a href="/admin/storage/edit">Configure Spaces</a>}
    </Notice>
  );
}

/** The bucket: a text field, which becomes a drop-down when the storage can list its buckets. */
export function BucketField(props: {
  readonly form: FormState;
  readonly buckets: readonly Choice[] | null;
  readonly help: string | null;
  /** Where to load the drop-down from; null once it was tried. */
  readonly source: string | null;
}) {
  const { form, buckets } = props;
  const isRefused = form.errors['backupSpacesBucket'] !== undefined;
  const field = {
    form,
    conditional: true,
    name: 'backupSpacesBucket',
    label: 'Bucket',
    ...(props.help === null ? {} : { help: props.help }),
  };
  const loading =
    props.source === null
      ? {}
      : {
          'hx-get': isRefused ? `${props.source}?refused=true` : props.source,
          'hx-trigger': 'load',
          'hx-swap': 'outerHTML',
          'hx-include': '#field-backupSpacesBucket',
        };
  return (
    <div id="bucket-field" {...loading}>
      {buckets === null ? (
        <TextField {...field} />
      ) : (
        <SelectField {...field} choices={[{ value: '', label: 'Select a bucket' }, ...buckets]} />
      )}
    </div>
  );
}
