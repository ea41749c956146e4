import { CheckboxField, type Choice, SelectField, TextArea, TextField } from './parts/field.tsx';
import { type FormState, hasErrorIn } from './parts/form-state.ts';

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

export function EngineFields({ form, fields }: { form: FormState; fields: EngineForm['fields'] }) {
  return (
    <>
      {fields.map(({ name, label, widget, choices, help, required = false }) => {
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

/** What most people leave as it is, behind one line that says how it stands. */
export function DumpOptions({ form, engine }: { readonly form: FormState; readonly engine: EngineForm }) {
  const fields = engine.fields.filter(({ required }) => !required);
  const names = [...fields.map(({ name }) => name), 'giveUpMinutes'];
  return (
    <details class="dump-options" open={hasErrorIn(form, names)}>
      <summary>
        Options of the dump: {summaryOf(form, fields)}, gives up after {form.values['giveUpMinutes']} minutes
        without a byte
      </summary>
      <EngineFields form={form} fields={fields} />
      <TextField
        form={form}
        name="giveUpMinutes"
        label="Give up after (minutes) without a byte"
        type="number"
        min={0.5}
        max={60}
        step="any"
        help="The backup fails when the dump tool gives no byte for this long."
        required
      />
    </details>
  );
}

/** Such as `Format custom (pg_restore), Compression zstd, No owner`: what is chosen, each by the name of its field. */
function summaryOf({ values }: FormState, fields: EngineForm['fields']): string {
  const words = fields.flatMap(({ name, label, widget, choices }) => {
    const value = values[name] ?? '';
    if (value === '') return [];
    if (widget === 'checkbox') return value === 'true' ? [label] : [];
    if (widget === 'select') return [`${label} ${chosenIn(choices, value)}`];
    return widget === 'number' ? [`${label} ${value}`] : [label];
  });
  return words.join(', ');
}

/** The choice without what explains it. */
function chosenIn(choices: readonly Choice[] | undefined, value: string): string {
  const label = choices?.find((choice) => choice.value === value)?.label ?? value;
  return label.split(': ')[0] ?? label;
}
