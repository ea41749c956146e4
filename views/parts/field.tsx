import type { Child } from 'hono/jsx';
import { fieldId } from './field-id.ts';
import type { FormState } from './form-state.ts';

export interface FieldProps {
  readonly form: FormState;
  readonly name: string;
  readonly label: string;
  readonly help?: Child;
  readonly required?: boolean;
  /** Needed only in some cases, which the help tells: neither marked as optional nor required by the browser. */
  readonly conditional?: boolean;
}

export interface TextFieldProps extends FieldProps {
  readonly type?: 'text' | 'email' | 'number' | 'password' | 'time';
  readonly placeholder?: string;
  readonly autocomplete?: string;
  readonly min?: number;
  readonly max?: number;
  /** Of a number: `any` lets fractions in. */
  readonly step?: number | 'any';
  readonly minlength?: number;
  readonly autofocus?: boolean;
  readonly spellcheck?: boolean;
  /** A part of the page that is fetched anew leaves it as it is, with what was typed into it. */
  readonly isPreserved?: boolean;
}

/** One line of text. A password field never gets a value: secrets go one way. */
export function TextField(props: TextFieldProps) {
  const { type = 'text' } = props;
  return (
    <Field {...props}>
      <input
        {...attributes(props)}
        type={type}
        value={type === 'password' ? undefined : (props.form.values[props.name] ?? '')}
        placeholder={props.placeholder}
        autocomplete={props.autocomplete ?? (type === 'password' ? 'new-password' : 'off')}
        min={props.min}
        max={props.max}
        step={props.step}
        minlength={props.minlength}
        autofocus={props.autofocus}
        spellcheck={props.spellcheck}
        {...(props.isPreserved ? { 'hx-preserve': '' } : {})}
      />
    </Field>
  );
}

/** Several lines of text; with `secret`, what was typed is never given back. */
export function TextArea(props: FieldProps & { rows?: number; secret?: boolean; placeholder?: string }) {
  return (
    <Field {...props}>
      <textarea
        {...attributes(props)}
        rows={props.rows ?? 3}
        placeholder={props.placeholder}
        autocomplete="off"
        spellcheck={false}
      >
        {props.secret ? '' : (props.form.values[props.name] ?? '')}
      </textarea>
    </Field>
  );
}

export interface Choice {
  readonly value: string;
  readonly label: string;
}

/**
 * `sendsAtOnce`: with a script, what is chosen sends the form. What arrows have led to may not be what is meant: beside it stands a
 * button of the class `send-choice`, which shows then, and where there is no script.
 */
export function SelectField(props: FieldProps & { choices: readonly Choice[]; sendsAtOnce?: boolean }) {
  const chosen = props.form.values[props.name] ?? '';
  const known = props.choices.some((choice) => choice.value === chosen);
  return (
    <Field {...props}>
      <select {...attributes(props)} data-sends={props.sendsAtOnce ? '' : undefined}>
        {chosen !== '' && !known && (
          <option value={chosen} selected>
            {chosen}
          </option>
        )}
        {props.choices.map((choice) => (
          <option key={choice.value} value={choice.value} selected={choice.value === chosen}>
            {choice.label}
          </option>
        ))}
      </select>
    </Field>
  );
}

export function CheckboxField(props: FieldProps) {
  return (
    <div class="field field-checkbox">
      <label for={fieldId(props.name)}>
        <input {...attributes(props)} type="checkbox" value="true" checked={isTicked(props)} />
        {props.label}
      </label>
      <Notes {...props} />
    </div>
  );
}

/** A set of radio buttons under one legend. */
export function RadioField(props: FieldProps & { choices: readonly Choice[] }) {
  const chosen = props.form.values[props.name] ?? '';
  return (
    <fieldset id={fieldId(props.name)} class="field" aria-describedby={describedBy(props)}>
      <legend>{props.label}</legend>
      {props.choices.map((choice) => (
        <label key={choice.value}>
          <input
            type="radio"
            name={props.name}
            value={choice.value}
            checked={choice.value === chosen}
            required={props.required}
          />
          {choice.label}
        </label>
      ))}
      <Notes {...props} />
    </fieldset>
  );
}

/** Label, input, help and error, tied to each other for assistive technology. */
function Field(props: FieldProps & { children?: Child }) {
  return (
    <div class="field">
      <label for={fieldId(props.name)}>
        {props.label}
        {props.required || props.conditional ? null : <span class="optional"> optional</span>}
      </label>
      {props.children}
      <Notes {...props} />
    </div>
  );
}

function Notes({ form, name, help }: FieldProps) {
  const error = form.errors[name];
  return (
    <>
      {error !== undefined && (
        <small id={`${fieldId(name)}-error`} class="field-error">
          {error}
        </small>
      )}
      {help !== undefined && (
        <small id={`${fieldId(name)}-help`} class="field-help">
          {help}
        </small>
      )}
    </>
  );
}

function attributes(props: FieldProps) {
  return {
    id: fieldId(props.name),
    name: props.name,
    required: props.required,
    'aria-invalid': props.form.errors[props.name] === undefined ? undefined : ('true' as const),
    'aria-describedby': describedBy(props),
  };
}

function describedBy({ form, name, help }: FieldProps): string | undefined {
  const ids = [
    ...(form.errors[name] === undefined ? [] : [`${fieldId(name)}-error`]),
    ...(help === undefined ? [] : [`${fieldId(name)}-help`]),
  ];
  return ids.length === 0 ? undefined : ids.join(' ');
}

function isTicked({ form, name }: FieldProps): boolean {
  return form.values[name] === 'true';
}
