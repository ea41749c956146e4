export interface StepItem {
  readonly label: string;
  readonly state: 'done' | 'current' | 'failed' | 'waiting';
}

const WORDS: Readonly<Record<StepItem['state'], string>> = {
  done: 'done',
  current: 'now',
  failed: 'failed',
  waiting: 'to come',
};

/** Steps in their order, and how far one is. */
export function Stepper({ label, steps }: { readonly label: string; readonly steps: readonly StepItem[] }) {
  return (
    <ol class="stepper" aria-label={label}>
      {steps.map((step) => (
        <li
          key={step.label}
          class={`step-${step.state}`}
          aria-current={step.state === 'current' ? 'step' : undefined}
        >
          {step.label}
          <span class="visually-hidden"> ({WORDS[step.state]})</span>
        </li>
      ))}
    </ol>
  );
}
