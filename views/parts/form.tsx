import type { Child } from 'hono/jsx';
import { FormErrors } from './form-errors.tsx';
import type { FormState } from './form-state.ts';

/** A form that posts to its own URL, with what is wrong with the whole of it on top and its buttons below. */
export function Form(props: {
  readonly action: string;
  /** For fields that stand outside of it. */
  readonly id?: string;
  readonly form: FormState;
  readonly submit: string;
  /** True where it destroys: its button does not invite. */
  readonly isPlain?: boolean;
  readonly cancel?: string;
  /** True where the page says above the form what is wrong: it does not say so again. */
  readonly isExplained?: boolean;
  /** True where a button among the fields does something else: the first of a form is what Enter presses. */
  readonly hasInnerButtons?: boolean;
  /** Further buttons that send the form. */
  readonly actions?: Child;
  readonly children?: Child;
}) {
  return (
    <form method="post" action={props.action} id={props.id}>
      {props.hasInnerButtons && (
        <span class="visually-hidden" aria-hidden="true">
          <button type="submit" tabindex={-1} />
        </span>
      )}
      {props.form.seen !== undefined && <input type="hidden" name="seen" value={props.form.seen} />}
      {!props.isExplained && <FormErrors form={props.form} />}
      {props.children}
      <div class="actions">
        <button type="submit" class={props.isPlain ? BUTTON_CLASSES.secondary : undefined}>
          {props.submit}
        </button>
        {props.actions}
        {props.cancel !== undefined && (
          <a class="button outline" href={props.cancel}>
            Cancel
          </a>
        )}
      </div>
    </form>
  );
}

/** A single button that posts: an action without fields. */
export function PostButton(props: {
  readonly action: string;
  readonly label: string;
  /** Of the button: where a part of the page is fetched anew, it keeps the focus. */
  readonly id?: string;
  /** Said instead of the label by a screen reader, where the label alone does not say which row it belongs to. */
  readonly accessibleLabel?: string;
  readonly kind?: 'primary' | 'secondary' | 'link';
  readonly values?: Readonly<Record<string, string>>;
}) {
  const { kind = 'secondary' } = props;
  return (
    <form method="post" action={props.action} class="inline">
      {Object.entries(props.values ?? {}).map(([name, value]) => (
        <input key={name} type="hidden" name={name} value={value} />
      ))}
      <button type="submit" id={props.id} class={BUTTON_CLASSES[kind]} aria-label={props.accessibleLabel}>
        {props.label}
      </button>
    </form>
  );
}

const BUTTON_CLASSES = {
  primary: '',
  secondary: 'secondary outline',
  link: 'link',
} as const;
