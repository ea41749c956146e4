import { type LevelOf, levelOf } from '../backup/level.tsx';
import { Calendar } from '../parts/charts/calendar.tsx';
import type { ChartDay } from '../parts/charts/day-cells.ts';
import { SelectField } from '../parts/field.tsx';
import type { FormState } from '../parts/form-state.ts';
import { formatBytes } from '../parts/format.ts';
import { formatMinute } from '../parts/format-time.ts';
import { useReader } from '../parts/reader.ts';

/** A backup, as one restores it. */
export interface RestorableBackup {
  readonly id: string;
  readonly createdAt: string;
  /** Of what is stored. */
  readonly bytes: number;
  readonly verification: LevelOf['verification'];
  /** Such as `bucket backups`. */
  readonly place: string | null;
  readonly hasHash: boolean;
}

/** The good backups of the database that are still there. */
export interface RestoreChoices {
  /** The newest of them, newest first. */
  readonly listed: readonly Pick<RestorableBackup, 'id' | 'createdAt' | 'bytes' | 'verification'>[];
  readonly days: readonly ChartDay[];
  /** The id of each day's newest one. */
  readonly newestOf: ReadonlyMap<string, string>;
}

/**
 * The backup that is restored, and others to choose instead. The choice is a field of the form: sent with another backup than that of the page,
 * the form comes back for that one, and nothing is restored.
 */
export function WhichBackup(props: {
  readonly backup: RestorableBackup;
  readonly databaseId: string;
  readonly choices: RestoreChoices;
  readonly form: FormState;
}) {
  const { backup, databaseId, choices, form } = props;
  const zone = useReader()?.zone ?? 'UTC';
  const nameOf = ({ createdAt, bytes, verification }: RestoreChoices['listed'][number]) =>
    [formatMinute(createdAt, zone), formatBytes(bytes), levelOf({ ...COMPLETED, verification }).text].join(
      ' · ',
    );
  const isListed = choices.listed.some(({ id }) => id === backup.id);
  const listed = isListed ? choices.listed : [...choices.listed, backup];
  return (
    <>
      {listed.length > 1 ? (
        <>
          <Calendar
            days={choices.days}
            noun="Backups to restore"
            note="A day leads to its newest good backup."
            hrefOf={(day) => `?backup=${choices.newestOf.get(day) ?? backup.id}`}
          />
          <SelectField
            form={{ ...form, values: { ...form.values, backup: backup.id } }}
            name="backup"
            label="Backup"
            conditional
            sendsAtOnce
            choices={listed.map((one) => ({ value: one.id, label: nameOf(one) }))}
          />
          {/* The first button is what Enter presses: with the same backup it only looks. */}
          <button
            type="submit"
            name="action"
            value="look"
            class="secondary outline send-choice"
            formnovalidate
          >
            Choose it
          </button>
        </>
      ) : (
        <p>
          {nameOf(backup)}
          {backup.place !== null && ` · ${backup.place}`}
        </p>
      )}
      <p class="field-help">
        <a href={`/databases/${databaseId}`}>All backups of this database</a>
      </p>
    </>
  );
}

const COMPLETED = { status: 'completed', outcome: 'completed', step: null } as const;
