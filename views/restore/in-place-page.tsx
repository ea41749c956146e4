import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { CheckboxField, TextField } from '../parts/field.tsx';
import { FormErrors } from '../parts/form-errors.tsx';
import type { FormState } from '../parts/form-state.ts';
import { formatBytes } from '../parts/format.ts';
import { formatMinute } from '../parts/format-time.ts';
import { Columns, Panel } from '../parts/panel.tsx';
import { useReader } from '../parts/reader.ts';
import { isSafetyWanted, SafetyBackup, Sessions } from './in-place-fields.tsx';
import { LookedAt } from './looked-at.tsx';
import type { RestoreCheck } from './restore-props.ts';
import type { RestorableBackup } from './which-backup.tsx';

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
  /** Into the database itself: offered where nothing can be made beside it, and chosen; null: neither. */
  readonly live: 'offered' | 'chosen' | null;
  readonly form: FormState;
  /** As of `RestorePageProps`. */
  readonly checks: readonly RestoreCheck[] | null;
}

/** A backup takes the place of its database: what that means, what is looked at, and its name typed. */
export function InPlacePage(props: InPlacePageProps) {
  const { frame, backup, database, checks, live } = props;
  const { values } = props.form;
  const isSafe = isSafetyWanted(props.form);
  const form = { ...props.form, values: { ...values, safetyBackup: String(isSafe) } };
  const zone = useReader()?.zone ?? 'UTC';
  const isRefused = checks?.some(({ ok }) => !ok) ?? false;
  return (
    <Page
      frame={frame}
      section="databases"
      title={`Restore in place of ${database.name}`}
      back={{ href: `/backups/${backup.id}/restore`, label: `Restore ${database.name} beside it` }}
      within={database.environmentName}
    >
      <form method="post" action={`/backups/${backup.id}/restore-in-place`} class="restore">
        <FormErrors form={form} />
        <Columns
          main={
            <>
              <Panel title="1. What is replaced">
                <p>
                  <strong>{database.replaced}</strong> on {database.serverName}, by the backup of{' '}
                  {formatMinute(backup.createdAt, zone)} · {formatBytes(backup.bytes)}
                </p>
                <SafetyBackup form={form} />
                {database.isFile ? (
                  <StopFirst />
                ) : (
                  <Sessions form={form} does={live === 'chosen' ? 'load' : 'swap'} />
                )}
              </Panel>
              <Panel title="2. Checked before anything is touched">
                {checks === null ? (
                  <p class="field-help">
                    All of it is looked at before the first byte in any case. Nothing is made by a look.
                  </p>
                ) : (
                  <LookedAt checks={checks} takesUser={live !== 'chosen'} />
                )}
                <button type="submit" name="action" value="look" class="secondary outline">
                  {checks === null ? 'Look now' : 'Look again'}
                </button>
                {live !== null && <IntoLive form={form} replaced={database.replaced} />}
              </Panel>
            </>
          }
          side={
            <Panel title="What will happen">
              {live === 'chosen' ? (
                <LiveStory database={database} isSafe={isSafe} />
              ) : (
                <SwapStory database={database} isSafe={isSafe} />
              )}
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

type Replaced = Pick<InPlacePageProps['database'], 'name' | 'replaced' | 'isFile'>;

interface Story {
  readonly database: Replaced;
  /** Whether it is backed up first. */
  readonly isSafe: boolean;
}

function SwapStory({ database, isSafe }: Story) {
  return (
    <p>
      {isSafe ? `${database.name} is backed up as it is now. The` : 'Nothing is backed up first. The'} backup
      is restored beside it and compared, row by row of each table’s count.{' '}
      {database.isFile
        ? 'Then the file is locked, copied, and filled in one transaction:'
        : 'Then the two are swapped at once:'}{' '}
      <strong>what was restored takes the place of {database.replaced}</strong>, and what is there now is kept
      under another name until you drop it. What fails before leaves everything as it is.
    </p>
  );
}

function LiveStory({ database, isSafe }: Story) {
  return (
    <p>
      {isSafe ? `${database.name} is backed up as it is now, and the` : 'Nothing is backed up first. The'}{' '}
      backup that is restored is read in full. Then its tables and all else that it holds are{' '}
      <strong>dropped in {database.replaced} and made anew, in one transaction</strong>: what fails leaves
      everything as it is, and what the backup lacks stays. Until its end all of it is locked. The rows are
      counted only after that, when nothing can be taken back: what was there is{' '}
      {isSafe ? 'in the safety backup alone' : 'gone'}.
    </p>
  );
}

function IntoLive(props: { readonly form: FormState; readonly replaced: string }) {
  return (
    <CheckboxField
      form={props.form}
      name="intoLive"
      label={`Restore into ${props.replaced} itself`}
      help="For a user who may not create databases, so that nothing can be made beside it. Tick this and look again: it says what stays, and what is in the way."
    />
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
