import type { Child } from 'hono/jsx';
import {
  type DatabaseFieldsProps,
  type DatabaseFormChoices,
  doing,
  StorageFields,
} from './database-storage-fields.tsx';
import { DumpOptions, EngineFields } from './dump-options.tsx';
import type { EnvironmentChoice, Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { CheckboxField, SelectField, TextField } from './parts/field.tsx';
import { Form } from './parts/form.tsx';
import { type FormState, hasErrorIn } from './parts/form-state.ts';
import { Notice } from './parts/notice.tsx';
import { TestOutcome, type TestResult } from './parts/try-connection.tsx';
import { ScheduleChoice, type ScheduleChoices } from './schedules/schedule-choice.tsx';

export function NewDatabasePage(props: {
  readonly frame: Frame;
  readonly environment: EnvironmentChoice;
  readonly engines: readonly { readonly type: string; readonly displayName: string }[];
  readonly choices: DatabaseFormChoices;
  readonly schedule: ScheduleChoices;
  readonly form: FormState;
  /** The database whose settings it was filled with. */
  readonly copyOf: { readonly id: string; readonly name: string } | null;
  /** It was to be a copy of one that is there no more. */
  readonly isOriginalGone: boolean;
  /** Of the form as it stands, which is not saved. */
  readonly test: TestResult | null;
}) {
  const { engine } = props.choices;
  const { copyOf } = props;
  const list = `/environments/${props.environment.id}/databases`;
  const action = `${list}/new?type=${engine.type}${copyOf === null ? '' : `&from=${copyOf.id}`}`;
  return (
    <Page
      frame={props.frame}
      section="databases"
      title="New database"
      back={{ href: list, label: 'Databases' }}
    >
      {copyOf !== null && (
        <Notice tone="info">
          Filled with the settings of {copyOf.name}, and its schedule.{' '}
          {engine.hasConnection && 'User and password are asked for again. '}
          Its backups, the prefix of its files and the addresses that it pings are not copied. Change what is
          to be another database’s.
        </Notice>
      )}
      {props.isOriginalGone && (
        <Notice tone="warning">
          The database that this was to be a copy of is there no more: it was deleted meanwhile. What you
          typed is kept; see that the rest is as you want it.
        </Notice>
      )}
      <Tested test={props.test} />
      <Form
        action={action}
        form={props.form}
        submit="Create database"
        hasInnerButtons
        cancel="/databases"
        actions={<TestButton action={action} />}
      >
        <EngineChoice engines={props.engines} chosen={engine.type} list={list} />
        <DatabaseFields form={props.form} choices={props.choices} action={action} isNew>
          <h2>When</h2>
          <ScheduleChoice form={props.form} choices={props.schedule} />
        </DatabaseFields>
      </Form>
    </Page>
  );
}

/** Buttons of the form, so that what was typed before is there under another type, too. */
function EngineChoice(props: {
  readonly engines: readonly { readonly type: string; readonly displayName: string }[];
  readonly chosen: string;
  readonly list: string;
}) {
  return (
    <p class="chips">
      {props.engines.map(({ type, displayName }) =>
        type === props.chosen ? (
          <span key={type} class="chip" aria-current="true">
            {displayName}
          </span>
        ) : (
          <button
            key={type}
            type="submit"
            class="chip"
            formaction={`${props.list}/new?type=${type}&do=type`}
            formnovalidate
          >
            {displayName}
          </button>
        ),
      )}
    </p>
  );
}

export function EditDatabasePage(props: {
  readonly frame: Frame;
  readonly database: { readonly id: string; readonly name: string };
  readonly choices: DatabaseFormChoices;
  readonly form: FormState;
  readonly test: TestResult | null;
}) {
  const page = `/databases/${props.database.id}`;
  const action = `${page}/edit`;
  return (
    <Page
      frame={props.frame}
      section="databases"
      title={`Edit ${props.database.name}`}
      back={{ href: page, label: props.database.name }}
    >
      <Tested test={props.test} />
      <Form
        action={action}
        form={props.form}
        submit="Save database"
        hasInnerButtons
        cancel={page}
        actions={<TestButton action={action} />}
      >
        <DatabaseFields form={props.form} choices={props.choices} action={action} />
      </Form>
    </Page>
  );
}

/** What the test of a form said: above it, since it is about all of it. Nothing was saved. */
function Tested({ test }: { readonly test: TestResult | null }) {
  return (
    <div id={TEST_RESULT} aria-live="polite">
      {test !== null && (
        <TestOutcome result={test}>
          <p>Nothing is saved yet.</p>
        </TestOutcome>
      )}
    </div>
  );
}

const TEST_RESULT = 'test-result';

/** With a script only the answer is fetched, so that the form stays as it is, the password too. */
function TestButton({ action }: { readonly action: string }) {
  const test = doing(action, 'test');
  return (
    <button
      type="submit"
      class="secondary"
      formaction={test}
      hx-post={test}
      hx-target={`#${TEST_RESULT}`}
      hx-select={`#${TEST_RESULT}`}
      hx-swap="outerHTML"
    >
      Test
    </button>
  );
}

/** `children`: what stands after where backups go. */
function DatabaseFields({
  form,
  choices,
  action,
  isNew = false,
  children,
}: DatabaseFieldsProps & { readonly isNew?: boolean; readonly children?: Child }) {
  const { engine } = choices;
  return (
    <>
      <SelectField
        form={form}
        name="serverId"
        label="Server"
        choices={choices.servers}
        help="Where the dump tool runs."
        required
      />
      {isNew && choices.mayFind && <FindButton action={action} />}
      <TextField form={form} name="name" label="Name" placeholder="appdb" required />
      {engine.hasConnection && <ConnectionFields form={form} hasCredentials={choices.hasCredentials} />}
      <EngineFields form={form} fields={engine.fields.filter(({ required }) => required)} />
      <h2>Where backups go</h2>
      <StorageFields form={form} choices={choices} action={action} />
      {children}
      <DumpOptions form={form} engine={engine} />
    </>
  );
}

/** Instead of typing all of it; what is typed already comes back from there. */
function FindButton({ action }: { readonly action: string }) {
  return (
    <div class="actions find-first">
      <button type="submit" class="secondary outline" formaction={doing(action, 'find')} formnovalidate>
        Find databases on this server
      </button>
      <small class="field-help">Lists those that are there, to be ticked. What is typed below is kept.</small>
    </div>
  );
}

function ConnectionFields({ form, hasCredentials }: { form: FormState; hasCredentials: boolean }) {
  return (
    <>
      <TextField
        form={form}
        name="host"
        label="Host"
        placeholder="localhost"
        help="As seen from the server. Blank: the server's own socket."
      />
      <details open={hasErrorIn(form, ['port'])}>
        <summary>Port: {form.values['port'] || 'the usual'}</summary>
        <TextField form={form} name="port" label="Port" type="number" min={1} max={65535} />
      </details>
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
