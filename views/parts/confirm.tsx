import type { Child } from 'hono/jsx';

/**
 * A button that asks before it posts. The dialog is a popover: it opens and closes without any script.
 * The key that opened it must not also confirm it, so Cancel has the focus. `id` is unique on the page.
 */
export function Confirm(props: {
  readonly id: string;
  readonly label: string;
  readonly accessibleLabel?: string;
  readonly title: string;
  readonly action: string;
  readonly submit: string;
  readonly kind?: 'button' | 'link';
  /** Sent along. */
  readonly values?: Readonly<Record<string, string>>;
  readonly children?: Child;
}) {
  return (
    <>
      <button
        type="button"
        class={props.kind === 'link' ? 'link danger' : 'secondary outline danger'}
        popovertarget={props.id}
        aria-label={props.accessibleLabel}
      >
        {props.label}
      </button>
      <dialog id={props.id} popover="auto" aria-labelledby={`${props.id}-title`}>
        <article>
          <h3 id={`${props.id}-title`}>{props.title}</h3>
          {props.children}
          <form method="post" action={props.action}>
            {Object.entries(props.values ?? {}).map(([name, value]) => (
              <input key={name} type="hidden" name={name} value={value} />
            ))}
            <div class="actions">
              <button type="submit" class="danger">
                {props.submit}
              </button>
              <button
                type="button"
                class="secondary outline"
                popovertarget={props.id}
                popovertargetaction="hide"
                autofocus
              >
                Cancel
              </button>
            </div>
          </form>
        </article>
      </dialog>
    </>
  );
}
