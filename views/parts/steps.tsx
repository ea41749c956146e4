import type { Child } from 'hono/jsx';
import { Icon } from './icons.tsx';

/** One of several things to be done one after the other. */
export interface Step {
  readonly title: string;
  readonly isDone: boolean;
  readonly words: Child;
  /** Shown of the first one that is not done. */
  readonly body: Child;
  /** The page that the step has of its own. */
  readonly page: { readonly href: string; readonly label: string } | null;
}

/** What is to be done, in order, with what is done ticked off. `aside` stands beside the count. */
export function Steps(props: {
  readonly label: string;
  readonly title: string;
  readonly steps: readonly Step[];
  readonly aside?: Child;
}) {
  const { label, title, steps, aside } = props;
  const done = steps.filter(({ isDone }) => isDone).length;
  const next = steps.findIndex(({ isDone }) => !isDone);
  return (
    <section class="panel checklist" aria-label={label}>
      <div class="panel-heading">
        <h2>{title}</h2>
        <div class="actions">
          <span>
            {done} of {steps.length} done
          </span>
          {aside}
        </div>
      </div>
      <ol>
        {steps.map((step, index) => (
          <li
            key={step.title}
            class={step.isDone ? 'is-done' : index === next ? 'is-next' : 'is-later'}
            aria-current={index === next ? 'step' : undefined}
          >
            <span class="checklist-mark">{step.isDone ? <Icon name="check" /> : index + 1}</span>
            <div>
              <h3>
                {step.title}
                {step.isDone && <span class="visually-hidden"> (done)</span>}
              </h3>
              <p>{step.words}</p>
              {index === next && step.body}
            </div>
            {step.page !== null && <a href={step.page.href}>{step.page.label}</a>}
          </li>
        ))}
      </ol>
    </section>
  );
}
