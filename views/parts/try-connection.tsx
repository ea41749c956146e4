import type { Child } from 'hono/jsx';
import { Notice } from './notice.tsx';

export interface TestResult {
  readonly success: boolean;
  readonly message: string;
  /** Further lines, such as a fingerprint or a list of buckets. */
  readonly facts: readonly string[];
  /** True for a success with something amiss, such as a bucket that the key can't reach. */
  readonly isPartial?: boolean;
  /** What to look at, by symptom. */
  readonly advice?: readonly Advice[];
  /** Where to mend it. */
  readonly link?: { readonly href: string; readonly label: string } | null;
}

export interface Advice {
  readonly symptom: string;
  readonly text: string;
  readonly points: readonly string[];
}

/**
 * A button that tests a connection and shows the answer below itself; pressed again meanwhile it does nothing, and is not
 * disabled, which would take the focus from it. Without JavaScript the answer is a page of its own. `id` is unique on the page.
 */
export function ConnectionTest(props: {
  readonly id: string;
  readonly label: string;
  /** Answers POST with a whole page; `<action>/result` answers with the fragment. */
  readonly action: string;
  readonly result: TestResult | null;
  /** Selects what else of the page is sent along. */
  readonly include?: string;
}) {
  const target = `${props.id}-result`;
  return (
    <div class="connection-test">
      <form
        method="post"
        action={props.action}
        hx-post={`${props.action}/result`}
        hx-target={`#${target}`}
        hx-swap="innerHTML"
        hx-include={props.include}
        hx-sync="drop"
        hx-indicator={`#${props.id}-wait`}
      >
        <div class="actions">
          <button type="submit" class="secondary">
            {props.label}
          </button>
          <span id={`${props.id}-wait`} class="htmx-indicator" aria-hidden="true">
            Testing…
          </span>
        </div>
      </form>
      <div id={target} aria-live="polite">
        {props.result !== null && <TestOutcome result={props.result} />}
      </div>
    </div>
  );
}

/** The answer of a connection test; what to do about it, as children, below. */
export function TestOutcome({
  result,
  children,
}: {
  readonly result: TestResult;
  readonly children?: Child;
}) {
  const { facts, advice = [], link = null } = result;
  const tone = result.isPartial ? 'warning' : 'success';
  return (
    <Notice tone={result.success ? tone : 'error'}>
      <p>
        {result.message}
        {link !== null && ' '}
        {link !== null && <a href={link.href}>{link.label}</a>}
      </p>
      {facts.length > 0 && (
        <ul>
          {facts.map((fact) => (
            <li key={fact}>{fact}</li>
          ))}
        </ul>
      )}
      {advice.map(({ symptom, text, points }) => (
        <details key={symptom} class="advice">
          <summary>{symptom}: what to check</summary>
          <p>{text}</p>
          {points.length > 0 && (
            <ul>
              {points.map((point) => (
                <li key={point}>{point}</li>
              ))}
            </ul>
          )}
        </details>
      ))}
      {children}
    </Notice>
  );
}
