import type { Child } from 'hono/jsx';
import { RadioField, TextField } from '../parts/field.tsx';
import { Form } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import { type Kept, keptWords } from './words.ts';

const TIERS = [
  ['keepLast', 'Newest', 'Whenever they are from.', 0, 100],
  ['daily', 'Days', 'The newest of each of so many days.', 0, 366],
  ['weekly', 'Weeks', 'From Monday to Sunday.', 0, 520],
  ['monthly', 'Months', 'Of the calendar.', 0, 240],
  ['yearly', 'Years', 'Of the calendar.', 0, 50],
  ['minFloor', 'Never fewer than', 'Good backups, which nothing prunes.', 1, 10],
] as const;

export interface PolicyPresetChoice {
  readonly value: string;
  readonly label: string;
  readonly kept: Kept;
}

/** How many backups a database keeps, from what the installation says to numbers of one's own. */
export function PolicyForm(props: {
  readonly action: string;
  readonly form: FormState;
  /** What the presets and the installation's default keep. */
  readonly presets: readonly PolicyPresetChoice[];
  readonly zone: string;
  readonly children?: Child;
}) {
  const { form } = props;
  return (
    <Form
      action={props.action}
      form={form}
      submit="Save and prune"
      actions={
        <button type="submit" class="secondary outline" formaction={`${props.action}/preview`}>
          Preview
        </button>
      }
    >
      {props.children}
      <PolicyFields form={form} presets={props.presets} />
      <TextField
        form={form}
        name="maxShrinkPercent"
        label="Stop pruning when a backup is smaller by more than"
        type="number"
        min={1}
        max={100}
        help="Per cent of the usual, after three good ones: what became so small, or no longer has a table that each before it had, may have lost its data. 100: never stop. 50 when left empty."
      />
      <p class="field-help">
        Days, weeks, months and years are those of {props.zone}. Only scheduled backups are pruned.
      </p>
    </Form>
  );
}

/** How many are kept and how large they may be: of one database, or of several at once. */
export function PolicyFields({
  form,
  presets,
}: {
  readonly form: FormState;
  readonly presets: readonly PolicyPresetChoice[];
}) {
  const choices = [
    ...presets.map(({ value, label, kept }) => ({ value, label: `${label}: ${keptWords(kept)}` })),
    { value: 'custom', label: 'Numbers of its own' },
  ];
  return (
    <>
      <div class="retention-choice">
        <RadioField form={form} name="preset" label="What to keep" required choices={choices} />
        <fieldset class="retention-tiers">
          <legend>Numbers of its own</legend>
          {TIERS.map(([name, label, help, min, max]) => (
            <TextField
              key={name}
              form={form}
              name={name}
              label={label}
              type="number"
              help={help}
              min={min}
              max={max}
              conditional
            />
          ))}
        </fieldset>
      </div>
      <TextField
        form={form}
        name="maxTotalGib"
        label="Cap in GiB"
        help="Of all its backups. While they are larger, the oldest that rules keep go too. Not for what the installation says."
      />
    </>
  );
}
