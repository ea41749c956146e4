import type { Child } from 'hono/jsx';
import { Icon, type IconName } from './icons.tsx';

export type VerdictTone = 'success' | 'warning' | 'error';

/** The answer to the question on top of all, over the whole width. */
export function Verdict(props: {
  readonly tone: VerdictTone;
  readonly title: string;
  /** What it is about, where that is not whether all is safe. */
  readonly label?: string;
  readonly action?: Child;
  readonly children?: Child;
}) {
  return (
    <section class={`verdict verdict-${props.tone}`} aria-label={props.label ?? 'Verdict'}>
      <span class="verdict-icon">
        <Icon name={ICONS[props.tone]} />
      </span>
      <div class="verdict-words">
        <h2>{props.title}</h2>
        {props.children !== undefined && <p>{props.children}</p>}
      </div>
      {props.action !== undefined && <div class="actions">{props.action}</div>}
    </section>
  );
}

const ICONS: Readonly<Record<VerdictTone, IconName>> = {
  success: 'check',
  warning: 'alert',
  error: 'alert',
};
