import { CheckboxField, type Choice, type FieldProps, SelectField, TextField } from '../parts/field.tsx';
import type { FormState } from '../parts/form-state.ts';

/** Usual times, each filling the field of its form. */
export const PRESETS = [
  { label: 'Hourly', cron: '0 * * * *' },
  { label: 'Nightly', cron: '0 2 * * *' },
  { label: 'Weekly', cron: '0 3 * * SUN' },
  { label: 'Monthly', cron: '0 4 1 * *' },
] as const;

/**
 * Buttons of a form that fill its times in and leave the rest as it was typed, without JavaScript too; the one that the form
 * shows is marked. `path`: where the form is sent.
 */
export function Presets({ path, form }: { readonly path: string; readonly form: FormState }) {
  const shown = (form.values['cronExpression'] ?? '').trim().split(/\s+/).join(' ').toUpperCase();
  return (
    <p class="chips">
      {PRESETS.map(({ label, cron }) => (
        <button
          key={label}
          type="submit"
          class="chip"
          name="preset"
          value={cron}
          formaction={`${path}?do=times`}
          formnovalidate
          aria-current={cron === shown ? 'true' : undefined}
        >
          {label}
        </button>
      ))}
    </p>
  );
}

/** When something begins, as cron says it. */
export function TimesField(props: Pick<FieldProps, 'form' | 'required' | 'conditional'>) {
  return (
    <TextField
      {...props}
      name="cronExpression"
      label="Times"
      spellcheck={false}
      placeholder="0 2 * * *"
      help="Minute, hour, day of month, month, day of week: 0 2 * * * is at 02:00 each day, */30 * * * * each half hour, 0 3 * * MON-FRI at 03:00 on weekdays."
    />
  );
}

/** The fields that a database's own schedule and a rule share. */
export function ScheduleFields({
  form,
  zone,
  drillServers,
}: {
  readonly form: FormState;
  readonly zone: string;
  /** For admins, who say where drills are made; null for others. */
  readonly drillServers: readonly Choice[] | null;
}) {
  return (
    <>
      <TimesField form={form} required />
      <CheckboxField form={form} name="enabled" label="Begin backups at these times" />
      <details>
        <summary>Time zone, catching up, retries, pause</summary>
        <TextField
          form={form}
          name="timeZone"
          label="Time zone"
          placeholder={zone}
          help={`Such as Europe/Berlin. Empty: the installation’s, ${zone}. A time that the clocks skip runs right after; one that comes twice runs once.`}
        />
        <TextField
          form={form}
          name="jitterMinutes"
          label="Spread over minutes"
          type="number"
          min={0}
          max={120}
          help="A run begins up to so much later, always the same for a database: so that many do not begin at once."
        />
        <TextField
          form={form}
          name="catchUpHours"
          label="Catch up within hours"
          type="number"
          min={0}
          max={8760}
          help="How late a run that was missed while BRIDGEPORT was not running is still begun. Empty: whenever. 0: never."
        />
        <TextField
          form={form}
          name="retries"
          label="Retries"
          type="number"
          min={0}
          max={10}
          help="After a failure that can pass: a host or storage that could not be reached, a lock. A wrong password is not tried again."
        />
        <TextField
          form={form}
          name="retryMinutes"
          label="Minutes before the first retry"
          type="number"
          min={1}
          max={1440}
          help="Twice as long before each other."
        />
        <TextField
          form={form}
          name="pausedReason"
          label="Paused, because"
          help="While this says why, nothing begins, and each skipped time shows it. Empty it to go on."
        />
      </details>
      <details open={hasDrills(form)}>
        <summary>Drills, and reading in full</summary>
        <TextField
          form={form}
          name="drillCron"
          label="Times of drills"
          spellcheck={false}
          placeholder="0 5 * * SUN"
          help="The newest good backup is restored under a name of its own, compared, measured and dropped again. Not where it was already. Empty: never by itself."
        />
        {drillServers !== null && (
          <>
            <SelectField
              form={form}
              name="drillServerId"
              label="Drills are made on"
              conditional
              help="On another server by its login for restores, which must be there."
              choices={[{ value: '', label: 'the server of the database' }, ...drillServers]}
            />
            <TextField
              form={form}
              name="drillFolder"
              label="Folder of drills"
              placeholder="/var/tmp/drills"
              spellcheck={false}
              help="Of SQLite: where the file is made there. Empty: beside the database’s file."
            />
          </>
        )}
        <TextField
          form={form}
          name="verifyEveryDays"
          label="Read in full every so many days"
          type="number"
          min={0}
          max={365}
          help="The newest good backup, at a time of the database’s own. Empty: as set under System. 0: never by itself."
        />
      </details>
    </>
  );
}

function hasDrills({ values, errors }: FormState): boolean {
  const names = ['drillCron', 'drillServerId', 'drillFolder', 'verifyEveryDays'];
  return names.some((name) => (values[name] ?? '') !== '' || errors[name] !== undefined);
}
