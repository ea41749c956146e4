import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { Checks } from '../parts/checks.tsx';
import { CheckboxField, TextField } from '../parts/field.tsx';
import type { FormState } from '../parts/form-state.ts';
import { formatBytes } from '../parts/format.ts';
import { formatMinute } from '../parts/format-time.ts';
import { Notice } from '../parts/notice.tsx';
import { Columns, Panel } from '../parts/panel.tsx';
import { useReader } from '../parts/reader.ts';
import type { RestorableBackup, RestoreCheck } from './restore-page.tsx';

export interface InPlacePageProps {
  readonly frame: Frame;
  readonly backup: RestorableBackup;
  readonly database: {
    readonly id: string;
    readonly name: string;
    readonly environmentName: string;
    /** What is replaced, by the name that the server knows. */
    readonly replaced: string;
    /** A file on its host: there is no login, and nobody can be thrown out. */
    readonly isFile: boolean;
    readonly serverName: string;
  };
  readonly form: FormState;
  /** As of `RestorePageProps`. */
  readonly checks: readonly RestoreCheck[] | null;
}

/** A backup takes the place of its database: what that means, what is looked at, and its name typed. */
export function InPlacePage(props: InPlacePageProps) {
  const { frame, backup, database, form, checks } = props;
  const zone = useReader()?.zone ?? 'UTC';
  const isRefused = checks?.some(({ ok }) => !ok) ?? false;
  const hasErrors = Object.keys(form.errors).length > 0;
  return (
    <Page
      frame={frame}
      section="databases"
      title={`Restore in place of ${database.name}`}
      back={{ href: `/backups/${backup.id}/restore`, label: `Restore ${database.name} beside it` }}
      within={database.environmentName}
    >
      <form method="post" action={`/backups/${backup.id}/restore-in-place`} class="restore">
        {form.message !== null && <Notice tone="error">{form.message}</Notice>}
        {form.message === null && hasErrors && <Notice tone="error">Please check the marked fields.</Notice>}
        <Columns
          main={
            <>
              <Panel title="1. What is replaced">
                <p>
                  <strong>{database.replaced}</strong> on {database.serverName}, by the backup of{' '}
                  {formatMinute(backup.createdAt, zone)} · {formatBytes(backup.bytes)}
                </p>
                <CheckboxField
                  form={form}
                  name="noSafetyBackup"
                  label="Do not back it up first"
                  help="As a rule it is backed up, read back, and only then replaced. Tick this only where that can’t succeed any more."
                />
                {database.isFile ? <StopFirst /> : <Sessions form={form} />}
              </Panel>
              <Panel title="2. Checked before anything is touched">
                {checks === null ? (
                  <p class="field-help">
                    All of it is looked at before the first byte in any case. Nothing is made by a look.
                  </p>
                ) : (
                  <Checks
                    label="What was looked at"
                    checks={checks.map(({ name, ok, says }) => ({
                      label: name,
                      state: ok ? 'passed' : 'failed',
                      detail: says,
                    }))}
                  />
                )}
                <button type="submit" name="action" value="look" class="secondary outline">
                  {checks === null ? 'Look now' : 'Look again'}
                </button>
              </Panel>
            </>
          }
          side={
            <Panel title="What will happen">
              <p>
                {database.name} is backed up as it is now. The backup is restored beside it and compared, row
                by row of each table’s count.{' '}
                {database.isFile
                  ? 'Then the file is locked, copied, and filled in one transaction:'
                  : 'Then the two are swapped at once:'}{' '}
                <strong>what was restored takes the place of {database.replaced}</strong>, and what is there
                now is kept under another name until you drop it. What fails before leaves everything as it
                is.
              </p>
              {isRefused && (
                <p class="field-error" id="restore-refused">
                  Not as it stands: see what is marked under 2, change it, and look again.
                </p>
              )}
              <TextField
                form={form}
                name="confirm"
                label={`Type ${database.name} to confirm`}
                conditional
                spellcheck={false}
              />
              <button
                type="submit"
                name="action"
                value="restore"
                class="danger"
                disabled={isRefused}
                aria-describedby={isRefused ? 'restore-refused' : undefined}
              >
                Restore in place
              </button>
            </Panel>
          }
        />
      </form>
    </Page>
  );
}

function Sessions({ form }: { readonly form: FormState }) {
  return (
    <>
      <CheckboxField
        form={form}
        name="endSessions"
        label="End sessions on it for the swap"
        help="Programs that are connected lose their connection, and what they had not committed. Not ticked: with somebody connected nothing is replaced."
      />
      <TextField
        form={form}
        name="username"
        label="User"
        spellcheck={false}
        help="For this restore alone: one who may create databases and act as the owner of this one. Left empty: the user that backs up."
      />
      <TextField form={form} name="password" label="Password" type="password" autocomplete="off" />
    </>
  );
}

function StopFirst() {
  return (
    <p class="field-help">
      Stop the application before: with a program that has the file open nothing is replaced. Start it when
      this is done; from the lock until then it would find its database locked.
    </p>
  );
}
