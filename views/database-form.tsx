import type { EnvironmentChoice, Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { CheckboxField, type Choice, RadioField, SelectField, TextArea, TextField } from './parts/field.tsx';
import { Form } from './parts/form.tsx';
import type { FormState } from './parts/form-state.ts';
import { Notice } from './parts/notice.tsx';

/** What the form needs to know about an engine: its own declaration, as plain data. */
export interface EngineForm {
  readonly type: string;
  readonly displayName: string;
  readonly fields: readonly {
    readonly name: string;
    readonly label: string;
    readonly widget: 'text' | 'textarea' | 'number' | 'checkbox' | 'select';
    readonly choices?: readonly Choice[];
    readonly help?: string;
    readonly required?: boolean;
  }[];
  /** True for a server that listens on a port; false for a file. */
  readonly hasConnection: boolean;
}

export interface DatabaseFormChoices {
  readonly engine: EngineForm;
  readonly servers: readonly Choice[];
  /** What the default key prefix is made of. */
  readonly environmentName: string;
  readonly spacesEnabled: boolean;
  /** Answers GET with the bucket field, filled with what the storage lists. */
  readonly bucketField: string;
  readonly hasCredentials: boolean;
}

export function NewDatabasePage(props: {
  readonly frame: Frame;
  readonly environment: EnvironmentChoice;
  readonly engines: readonly { readonly type: string; readonly displayName: string }[];
  readonly choices: DatabaseFormChoices;
  readonly form: FormState;
}) {
  const { engine } = props.choices;
  const list = `/environments/${props.environment.id}/databases`;
  return (
    <Page
      frame={props.frame}
      section="databases"
      title="New database"
      back={{ href: list, label: 'Databases' }}
    >
      <nav class="tabs" aria-label="Type of database">
        {props.engines.map(({ type, displayName }) => (
          <a
            key={type}
            href={`${list}/new?type=${type}`}
            aria-current={type === engine.type ? 'page' : undefined}
          >
            {displayName}
          </a>
        ))}
      </nav>
      <Form
        action={`${list}/new?type=${engine.type}`}
        form={props.form}
        submit="Create database"
        cancel={list}
      >
        <DatabaseFields form={props.form} choices={props.choices} />
      </Form>
    </Page>
  );
}

export function EditDatabasePage(props: {
  readonly frame: Frame;
  readonly database: { readonly id: string; readonly name: string };
  readonly choices: DatabaseFormChoices;
  readonly form: FormState;
}) {
  const page = `/databases/${props.database.id}`;
  return (
    <Page
      frame={props.frame}
      section="databases"
      title={`Edit ${props.database.name}`}
      back={{ href: page, label: props.database.name }}
    >
      <Form action={`${page}/edit`} form={props.form} submit="Save database" cancel={page}>
        <DatabaseFields form={props.form} choices={props.choices} />
      </Form>
    </Page>
  );
}

function DatabaseFields({ form, choices }: { form: FormState; choices: DatabaseFormChoices }) {
  const { engine } = choices;
  return (
    <>
      <TextField form={form} name="name" label="Name" placeholder="appdb" required />
      <SelectField
        form={form}
        name="serverId"
        label="Server"
        choices={choices.servers}
        help="Where the dump tool runs."
        required
      />
      {engine.hasConnection && <ConnectionFields form={form} hasCredentials={choices.hasCredentials} />}
      <h2>{engine.displayName}</h2>
      <EngineFields form={form} engine={engine} />
      <h2>Where backups go</h2>
      <StorageFields form={form} choices={choices} />
    </>
  );
}

function ConnectionFields({ form, hasCredentials }: { form: FormState; hasCredentials: boolean }) {
  return (
    <>
      <div class="grid">
        <TextField
          form={form}
          name="host"
          label="Host"
          placeholder="localhost"
          help="As seen from the server. Blank: the server's own socket."
        />
        <TextField form={form} name="port" label="Port" type="number" min={1} max={65535} />
      </div>
      <TextField form={form} name="databaseName" label="Database name" required />
      <div class="grid">
        <TextField
          form={form}
          name="username"
          label="User"
          help={credentialHelp(form, 'username', hasCredentials)}
        />
        <TextField
          form={form}
          name="password"
          label="Password"
          type="password"
          help={credentialHelp(form, 'password', hasCredentials)}
        />
      </div>
      {hasCredentials && (
        <CheckboxField form={form} name="clearCredentials" label="Remove user and password" />
      )}
    </>
  );
}

function credentialHelp(form: FormState, name: string, hasCredentials: boolean): string {
  const isTypedAgain = form.errors[name] !== undefined;
  return `Stored encrypted and never shown.${hasCredentials && !isTypedAgain ? ' Blank keeps the present one.' : ''}`;
}

function EngineFields({ form, engine }: { form: FormState; engine: EngineForm }) {
  return (
    <>
      {engine.fields.map(({ name, label, widget, choices, help, required = false }) => {
        const common = { form, name, label, required, ...(help === undefined ? {} : { help }) };
        if (widget === 'checkbox') return <CheckboxField key={name} {...common} />;
        if (widget === 'select')
          return <SelectField key={name} {...common} choices={choices ?? []} required />;
        if (widget === 'textarea') return <TextArea key={name} {...common} />;
        return <TextField key={name} {...common} type={widget} />;
      })}
    </>
  );
}

function StorageFields({ form, choices }: { form: FormState; choices: DatabaseFormChoices }) {
  return (
    <div class="storage-choice">
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
      <div class="when-spaces">
        {!choices.spacesEnabled && (
          <Notice tone="warning">
            Storage is not enabled for this environment, so backups to Spaces fail. An admin enables it under
            Admin &gt; Storage.
          </Notice>
        )}
        <BucketField form={form} buckets={null} help={null} source={choices.bucketField} />
        <TextField
          form={form}
          name="backupSpacesPrefix"
          label="Key prefix"
          help={`Blank: ${choices.environmentName}/<database name>/`}
        />
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
      <TextField
        form={form}
        name="pgDumpTimeoutMs"
        label="Time limit in milliseconds"
        type="number"
        min={30000}
        max={3600000}
        help="The backup fails when the dump tool gives no byte for this long. 300000 is five minutes."
        required
      />
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
    </div>
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
