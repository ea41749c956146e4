import type { Child } from 'hono/jsx';
import { Icon, type IconName } from './icons.tsx';

export interface Proof {
  readonly id: string;
  /** `open`: not yet proven, and nothing wrong with that. */
  readonly state: 'proven' | 'open' | 'broken';
  readonly text: Child;
}

const LOOKS: Readonly<Record<Proof['state'], { readonly icon: IconName; readonly word: string }>> = {
  proven: { icon: 'check', word: 'Proven: ' },
  open: { icon: 'circle', word: 'Not yet: ' },
  broken: { icon: 'cross', word: 'Failed: ' },
};

/** What is known of a thing because somebody looked, line by line. */
export function ProofList({ proofs }: { readonly proofs: readonly Proof[] }) {
  return (
    <ul class="proofs">
      {proofs.map(({ id, state, text }) => (
        <li key={id} class={`proof-${state}`}>
          <Icon name={LOOKS[state].icon} />
          <div>
            <span class="visually-hidden">{LOOKS[state].word}</span>
            {text}
          </div>
        </li>
      ))}
    </ul>
  );
}
