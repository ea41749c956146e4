import type { Child } from 'hono/jsx';
import { Icon } from './icons.tsx';

/** One of several things to be done one after the other. */
export interface Step {
  readonly title: string;
  readonly isDone: boolean;
  readonly words: Child;
  /** Shown of the first one that is not done. */
  readonly body: Child;
  /** True for one that what follows does not wait for: both are open then. */
  readonly canWait?: boolean;
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
  const next = nextOf(steps);
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
            class={`${step.isDone ? 'is-done' : index === next ? 'is-next' : 'is-later'}${isOpen(step, index === next) ? ' is-open' : ''}`}
            aria-current={index === next ? 'step' : undefined}
          >
            <span class="checklist-mark">{step.isDone ? <Icon name="check" /> : index + 1}</span>
            <div>
              <h3>
                {step.title}
                {step.isDone && <span class="visually-hidden"> (done)</span>}
              </h3>
              <p>{step.words}</p>
              {isOpen(step, index === next) && step.body}
            </div>
            {step.page !== null && <a href={step.page.href}>{step.page.label}</a>}
          </li>
        ))}
      </ol>
    </section>
  );
}

const isOpen = ({ isDone, canWait }: Step, isNext: boolean) => isNext || (canWait === true && !isDone);

/** The first that is not done and holds up what follows, else the first that is not done. */
function nextOf(steps: readonly Step[]): number {
  const open = steps.findIndex(({ isDone, canWait }) => !isDone && canWait !== true);
  return open === -1 ? steps.findIndex(({ isDone }) => !isDone) : open;
}
