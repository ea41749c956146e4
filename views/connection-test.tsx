import { Notice } from './notice.tsx';

export interface TestResult {
  readonly success: boolean;
  readonly message: string;
  /** Further lines, such as a fingerprint or a list of buckets. */
  readonly facts: readonly string[];
}

/**
 * A button that tests a connection and shows the answer below itself. Without JavaScript the answer is a page
 * of its own. `id` is unique on the page.
 */
export function ConnectionTest(props: {
  readonly id: string;
  readonly label: string;
  /** Answers POST with a whole page; `<action>/result` answers with the fragment. */
  readonly action: string;
  readonly result: TestResult | null;
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
        hx-disable="find button"
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

/** The answer of a connection test. */
export function TestOutcome({ result }: { readonly result: TestResult }) {
  return (
    <Notice tone={result.success ? 'success' : 'error'}>
      <p>{result.message}</p>
      {result.facts.length > 0 && (
        <ul>
          {result.facts.map((fact) => (
            <li key={fact}>{fact}</li>
          ))}
        </ul>
      )}
    </Notice>
  );
}
