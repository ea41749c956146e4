import type { Child } from 'hono/jsx';

/** What the dialog of a page asks. */
export interface Question {
  readonly title: string;
  readonly action: string;
  /** Null where it can't be done: then it says why, and asks nothing. */
  readonly submit: string | null;
  /** The page without the question. */
  readonly back: string;
  /** What goes with it, fields to fill in, fields of the form. */
  readonly children?: Child;
}

const ID = 'question';

/**
 * The one dialog of a page. A link (`AskLink`) to the page's address with the question in it opens it, without a script
 * too; with one, only the dialog is fetched. Cancel has the focus: the key that opened it must not also confirm it.
 */
export function Dialog({ question }: { readonly question: Question | null }) {
  if (question === null) return <dialog id={ID} />;
  return (
    <dialog id={ID} open aria-labelledby={`${ID}-title`}>
      <article>
        <h2 id={`${ID}-title`}>{question.title}</h2>
        <form method="post" action={question.action}>
          {question.children}
          <div class="actions">
            {question.submit !== null && (
              <button type="submit" class="danger">
                {question.submit}
              </button>
            )}
            <a class="button outline" href={question.back} data-close="true" autofocus>
              {question.submit === null ? 'Close' : 'Cancel'}
            </a>
          </div>
        </form>
      </article>
    </dialog>
  );
}

/** Opens the dialog. `href` is the address of the page with the question, such as `?delete=ID`. */
export function AskLink(props: {
  readonly href: string;
  readonly label: string;
  /** Said instead of the label by a screen reader, where the label alone does not say which row it belongs to. */
  readonly accessibleLabel?: string;
  readonly kind?: 'link' | 'button';
}) {
  return (
    <a
      class={props.kind === 'button' ? 'button outline' : 'ask'}
      href={props.href}
      aria-label={props.accessibleLabel}
      hx-get={props.href}
      hx-target={`#${ID}`}
      hx-select={`#${ID}`}
      hx-swap="outerHTML"
    >
      {props.label}
    </a>
  );
}
