import type { Child } from 'hono/jsx';
import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { Confirm } from '../parts/confirm.tsx';
import { DangerZone } from '../parts/danger-zone.tsx';
import { Dialog, type Question } from '../parts/dialog.tsx';
import { Facts } from '../parts/facts.tsx';
import { CheckboxField, SelectField, TextField } from '../parts/field.tsx';
import { Form } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import { formatBytes } from '../parts/format.ts';
import { Panel } from '../parts/panel.tsx';
import { type Watching, WatchingPanels } from './watching.tsx';
import { WouldGo, type WouldGoProps, wouldGoWords } from './would-go.tsx';

/** Settings of the installation. */
export function SystemPage(props: {
  readonly frame: Frame;
  readonly form: FormState;
  /** What is, label and value. */
  readonly facts: readonly (readonly [string, Child])[];
  readonly watching: Watching;
  /** What the provider is called that people sign in by; null for none. */
  readonly signOn: string | null;
  /** What is asked before much is pruned. */
  readonly question: Question | null;
  /** By what was typed; null where nobody asked. */
  readonly goes: WouldGoProps | null;
}) {
  const { frame, form } = props;
  const number = (name: string, label: string, help?: string) => (
    <TextField
      form={form}
      name={name}
      label={label}
      type="number"
      required
      {...(help === undefined ? {} : { help })}
    />
  );
  return (
    <Page frame={frame} section="system" title="System">
      <Dialog question={props.question} />
      <Facts facts={props.facts} />
      {props.goes !== null && <WouldGo {...props.goes} />}
      <Form
        action="/admin/system"
        form={form}
        submit="Save settings"
        actions={
          <button type="submit" class="secondary outline" formaction="/admin/system/preview">
            Show what would go
          </button>
        }
      >
        <Panel title="Time and links">
          <TextField
            form={form}
            name="timezone"
            label="Time zone"
            required
            help="Schedules are read in it, and days, weeks and months of retention begin in it: UTC, or a name such as Europe/Berlin."
          />
          <TextField
            form={form}
            name="publicUrl"
            label="Public URL"
            placeholder="https://backups.example.com"
            help="For links in messages. Cookies and the check of origins follow the variable PUBLIC_URL."
          />
          <TextField
            form={form}
            name="privateHosts"
            label="Private hosts"
            placeholder="healthchecks.lan, 10.20.0.0/16"
            help="Pings, webhooks, channels and single sign-on go to public addresses alone, but for the hosts named here: names, addresses or CIDRs, separated by commas."
          />
        </Panel>
        <Panel title="Sign-in">
          <CheckboxField
            form={form}
            name="secondFactorRequired"
            label="Require a second factor"
            help="Whoever signs in with a password and has none, you too, sets one up before anything else. API tokens go on."
          />
          <p>
            <a href="/admin/system/single-sign-on">Single sign-on</a>:{' '}
            {props.signOn === null ? 'not set up.' : `“Sign in with ${props.signOn}”.`}
          </p>
        </Panel>
        <Panel title="Runs at once">
          {number('maxConcurrentBackups', 'In all')}
          {number('maxConcurrentBackupsPerServer', 'On one server')}
        </Panel>
        <Panel title="Retention by default" id="retention">
          <SelectField
            form={form}
            name="backupRetentionPreset"
            label="Preset"
            required
            choices={[
              { value: 'lean', label: 'Lean: 12 last, 7 days, 4 weeks' },
              { value: 'balanced', label: 'Balanced: 24 last, 7 days, 4 weeks, 6 months' },
              { value: 'long_term', label: 'Long term: 24 last, 7 days, 4 weeks, 12 months, 3 years' },
              { value: 'custom', label: 'Custom: as below' },
            ]}
            help="Of databases without a policy of their own. A named preset sets the six numbers below."
          />
          <div class="grid">
            {number('backupRetentionKeepLast', 'Last backups')}
            {number('backupRetentionDaily', 'Days')}
            {number('backupRetentionWeekly', 'Weeks')}
          </div>
          <div class="grid">
            {number('backupRetentionMonthly', 'Months')}
            {number('backupRetentionYearly', 'Years')}
            {number('backupRetentionMinFloor', 'Never fewer than')}
          </div>
          <TextField
            form={form}
            name="maxTotalGib"
            label="Cap for one database in GiB"
            help="Empty: no limit."
          />
          {number('failedBackupRetentionDays', 'Days that failed backups stay in the lists')}
          {number(
            'fullReadEveryDays',
            'Days after which the newest backup of a database is read in full again (0: never by itself)',
          )}
          {number('backupRotationConfirmThreshold', 'Ask before a change removes more backups than')}
        </Panel>
        <Panel title="Limits">
          {number('sshReadySeconds', 'Seconds until an SSH connection must be there')}
          {number('activeUserWindowMin', 'Minutes for which a user counts as active')}
        </Panel>
      </Form>
      <WatchingPanels watching={props.watching} />
      <DangerZone>
        <Confirm
          id="reset-settings"
          label="Reset all settings"
          title="Put every setting back to its default?"
          action="/admin/system/reset"
          submit="Reset settings"
        >
          <p>Schedules, databases, users and the storage stay as they are.</p>
        </Confirm>
      </DangerZone>
    </Page>
  );
}

/** Of so many databases the question itself says what goes: what is below lies under it. */
const MOST_IN_QUESTION = 5;

/** Asks before a policy of the installation prunes much. The form's fields come back with it. */
export function questionOfSettings(
  action: string,
  go: WouldGoProps,
  values: Readonly<Record<string, string>>,
): Question {
  const backups = backupsOf(go.total);
  const named = go.listed.slice(0, MOST_IN_QUESTION);
  return {
    title: `Prune ${backups}?`,
    action,
    submit: `Save and let ${backups} go`,
    back: '/admin/system',
    children: (
      <>
        {Object.entries({ ...values, confirm: 'true' }).map(([name, value]) => (
          <input key={name} type="hidden" name={name} value={value} />
        ))}
        <p>{wouldGoWords(go)}</p>
        <ul>
          {named.map((of) => (
            <li key={of.databaseId}>
              {of.name} <small class="muted">{of.environmentName}</small>: {backupsOf(of.count)},{' '}
              {formatBytes(of.bytes)}
              {of.standsStill && ', pruning stands still'}
            </li>
          ))}
          {go.databases > named.length && <li>and those of {go.databases - named.length} more</li>}
        </ul>
      </>
    ),
  };
}

const backupsOf = (count: number) => (count === 1 ? '1 backup' : `${count} backups`);
