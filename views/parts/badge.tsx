import type { Tone } from './notice.tsx';

/**
 * One or two words about a state, filled; or about what somebody has set (`setting`), outlined. The words carry the meaning; the colour
 * only repeats it.
 */
export function Badge({
  tone,
  text,
}: {
  readonly tone: Tone | 'neutral' | 'setting';
  readonly text: string;
}) {
  return <span class={`badge badge-${tone}`}>{text}</span>;
}
