import type { Child } from 'hono/jsx';
import type { Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { Dialog, type Question } from './parts/dialog.tsx';
import { RadioField, TextField } from './parts/field.tsx';
import { Form } from './parts/form.tsx';
import type { FormState } from './parts/form-state.ts';
import { formatBytes } from './parts/format.ts';
import { Notice } from './parts/notice.tsx';
import { Table } from './parts/table.tsx';
import { PolicyFields, type PolicyPresetChoice } from './retention/policy-form.tsx';
import { PRESETS } from './schedules/schedule-fields.tsx';

/** What can be done to several databases at once, beside backing them up. */
export type SelectedAction = 'pause' | 'resume' | 'schedule' | 'retention' | 'read';

export interface SelectedDatabase {
  readonly id: string;
  readonly name: string;
  readonly environmentName: string;
  /** What it has of that now. */
  readonly present: string;
  /** Why it was not done to it; null where it was not tried. */
  readonly failure: string | null;
}

export interface SelectedProps {
  readonly frame: Frame;
  readonly action: SelectedAction;
  readonly databases: readonly SelectedDatabase[];
  readonly form: FormState;
  /** Of how many it was done, where some are left. */
  readonly done: number | null;
  /** Of those that were sent, how many are no longer registered. */
  readonly gone: number;
  readonly question: Question | null;
  readonly presets: readonly PolicyPresetChoice[];
  /** True where it was asked for on the page of the one database. */
  readonly isFromPage: boolean;
  /** The address of the list that they were ticked in. */
  readonly list: string;
}

const databasesIn = (count: number) => (count === 1 ? '1 database' : `${count} databases`);

const WORDS: Readonly<
  Record<
    SelectedAction,
    { title(count: number): string; submit(count: number): string; readonly present: string }
  >
> = {
  pause: {
    title: (count) => `Pause ${databasesIn(count)}`,
    submit: (count) => `Pause ${databasesIn(count)}`,
    present: 'Schedule now',
  },
  resume: {
    title: (count) => `Resume ${databasesIn(count)}`,
    submit: (count) => `Resume ${databasesIn(count)}`,
    present: 'Schedule now',
  },
  schedule: {
    title: (count) => `Change the schedule of ${databasesIn(count)}`,
    submit: (count) => `Change the schedule of ${databasesIn(count)}`,
    present: 'Schedule now',
  },
  retention: {
    title: (count) => `Change the retention of ${databasesIn(count)}`,
    submit: () => 'Save and prune',
    present: 'Keeps now',
  },
  read: {
    title: (count) => `Read the last good backup of ${databasesIn(count)} in full`,
    submit: (count) => `Read ${count === 1 ? '1 backup' : `${count} backups`} in full`,
    present: 'Last good backup',
  },
};

/** Asks before it is done to all of them, and says what each has now; what could not be done is told by name. */
export function SelectedDatabasesPage(props: SelectedProps) {
  const { action, databases, form, done, gone } = props;
  const words = WORDS[action];
  const [only] = databases;
  const back =
    props.isFromPage && only !== undefined
      ? { href: `/databases/${only.id}`, label: only.name }
      : { href: props.list, label: 'Databases' };
  return (
    <Page frame={props.frame} section="databases" title={words.title(databases.length)} back={back}>
      <Dialog question={props.question} />
      {done !== null && (
        <Notice tone="error">
          {done === 0 ? 'It was done to none of them.' : `It was done to ${databasesIn(done)}.`} The others
          stand below with the reason.
        </Notice>
      )}
      {gone > 0 && (
        <Notice tone="warning">
          {gone === 1 ? '1 of the selected is' : `${gone} of the selected are`} no longer registered.
        </Notice>
      )}
      {databases.length > 0 && (
        <>
          <Listed databases={databases} present={words.present} />
          <Form
            action={`/databases/selected/${action}`}
            form={form}
            submit={words.submit(databases.length)}
            cancel={back.href}
          >
            {databases.map(({ id }) => (
              <input key={id} type="hidden" name="id" value={id} />
            ))}
            {props.isFromPage && <input type="hidden" name="from" value="page" />}
            <input type="hidden" name="back" value={props.list} />
            <Fields {...props} />
          </Form>
        </>
      )}
    </Page>
  );
}

function Listed(props: { readonly databases: readonly SelectedDatabase[]; readonly present: string }) {
  const hasFailures = props.databases.some(({ failure }) => failure !== null);
  const columns = ['Database', props.present, ...(hasFailures ? ['Not done, because'] : [])];
  return (
    <Table caption="Selected databases" columns={columns}>
      {props.databases.map(({ id, name, environmentName, present, failure }) => (
        <tr key={id}>
          <th scope="row">
            <a href={`/databases/${id}`}>{name}</a> <small class="muted">{environmentName}</small>
          </th>
          <td>{present}</td>
          {hasFailures && <td>{failure ?? '–'}</td>}
        </tr>
      ))}
    </Table>
  );
}

/** The times of the form that are not a preset's. */
export const OWN_TIMES = 'own';
export const RULE_TIMES = 'rule';

function Fields({ action, form, presets }: SelectedProps): Child {
  switch (action) {
    case 'pause':
      return (
        <TextField
          form={form}
          name="pausedReason"
          label="Paused, because"
          required
          help="Nothing begins by itself until you resume it; each time that is skipped shows this. One that follows a rule gets the rule’s times as a schedule of its own, which is paused."
        />
      );
    case 'resume':
      return <p>Each waits for its next time. What was skipped is not made up for.</p>;
    case 'schedule':
      return (
        <>
          <RadioField
            form={form}
            name="times"
            label="Times"
            required
            choices={[
              ...PRESETS.map(({ label, cron }) => ({ value: cron, label: `${label}: ${cron}` })),
              { value: OWN_TIMES, label: 'Other times' },
              { value: RULE_TIMES, label: 'The rule’s: their own schedules are taken away' },
            ]}
          />
          <TextField
            form={form}
            name="cronExpression"
            label="Other times"
            conditional
            spellcheck={false}
            placeholder="0 2 * * *"
            help="Minute, hour, day of month, month, day of week: */30 * * * * is each half hour, 0 3 * * MON-FRI at 03:00 on weekdays."
          />
          <p class="field-help">
            Only the times change: time zone, retries and drills stay, and what is paused or switched off
            stays so.
          </p>
        </>
      );
    case 'retention':
      return (
        <>
          <PolicyFields form={form} presets={presets} />
          <p class="field-help">
            You are asked once more where much would be pruned. Only scheduled backups are pruned. When
            pruning stops by itself stays as each database has it.
          </p>
        </>
      );
    case 'read':
      return (
        <p>
          Each is read from its first byte to its last and compared with what was recorded. One after the
          other, beside what else runs; what comes of it stands at each backup.
        </p>
      );
  }
}

const FEW = 8;

/** Asks before much goes of all of them together. The form's fields come back with it. */
export function questionOfPolicies(
  back: string,
  go: readonly { readonly name: string; readonly count: number; readonly bytes: number }[],
  fields: readonly (readonly [string, string])[],
): Question {
  const count = go.reduce((sum, one) => sum + one.count, 0);
  const bytes = go.reduce((sum, one) => sum + one.bytes, 0);
  const backups = count === 1 ? '1 backup' : `${count} backups`;
  return {
    title: `Prune ${backups} of ${databasesIn(go.length)}?`,
    action: '/databases/selected/retention',
    submit: `Save and prune ${backups}`,
    back,
    children: (
      <>
        {[...fields, ['confirm', 'true'] as const].map(([name, value]) => (
          <input type="hidden" name={name} value={value} />
        ))}
        <p>{formatBytes(bytes)} are freed, and these backups are gone for good.</p>
        {/* Folded, so that many leave the sums in sight of the buttons. */}
        <details open={go.length <= FEW}>
          <summary>How many of each database</summary>
          <ul>
            {go.map((one) => (
              <li>
                {one.name}: {one.count} ({formatBytes(one.bytes)})
              </li>
            ))}
          </ul>
        </details>
      </>
    ),
  };
}
