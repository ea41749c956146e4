import type { Child } from 'hono/jsx';
import { Icon, type IconName } from './icons.tsx';

export interface Check {
  readonly label: string;
  readonly state: 'passed' | 'failed' | 'warned' | 'waiting' | 'unknown';
  /** What came back, and what to do. */
  readonly detail?: Child;
}

const LOOKS: Readonly<Record<Check['state'], { readonly icon: IconName; readonly word: string }>> = {
  passed: { icon: 'check', word: 'passed' },
  failed: { icon: 'cross', word: 'failed' },
  warned: { icon: 'alert', word: 'look at this' },
  waiting: { icon: 'circle', word: 'not tried yet' },
  unknown: { icon: 'circle', word: 'not known' },
};

/** What was checked before something is done: one line where all is well, each line with its reason otherwise. */
export function Checks({ label, checks }: { readonly label: string; readonly checks: readonly Check[] }) {
  return (
    <ul class="checks" aria-label={label}>
      {checks.map((check) => (
        <li key={check.label} class={`check-${check.state}`}>
          <Icon name={LOOKS[check.state].icon} />
          <div>
            {check.label}
            <span class="visually-hidden">: {LOOKS[check.state].word}</span>
            {check.detail !== undefined && <div class="field-help">{check.detail}</div>}
          </div>
        </li>
      ))}
    </ul>
  );
}
