import { type ChartDay, countDays } from './day-cells.ts';

const STEP = 9;
const WIDTH = 7;
const HEIGHT = 16;

/** Of each strip: the style sheet draws as many days without anything, and what there was covers them. */
export const STRIP_DAYS = 26;

/**
 * The last days in one line of a list, oldest first. One path for each state, and a sentence. Days of a state that follow each
 * other are one stroke, which the style sheet cuts into days: a list has fifty of these, each as short as can be.
 */
export function Strip({ days }: { readonly days: readonly ChartDay[] }) {
  const width = Math.max(1, days.length * STEP - (STEP - WIDTH));
  return (
    <svg
      class="strip"
      role="img"
      aria-label={`${days.length} days: ${countDays(days) || 'no backup'}.`}
      viewBox={`0 0 ${width} ${HEIGHT}`}
    >
      {shapesOf(days).map(([look, d]) => (d === '' ? null : <path key={look} class={look} d={d} />))}
    </svg>
  );
}

/** A path of each look, in the order in which they are drawn; days of one look that follow each other are one stroke. */
function shapesOf(days: readonly ChartDay[]): readonly (readonly [look: string, d: string])[] {
  let [good, failed, half, fill, cross] = ['', '', '', '', ''];
  for (let from = 0; from < days.length; ) {
    const look = lookOf(days[from]);
    let to = from + 1;
    while (to < days.length && lookOf(days[to]) === look) to += 1;
    const stroke = (y: number) => `M${from * STEP} ${y}h${(to - from) * STEP - (STEP - WIDTH)}`;
    if (look === 'good') good += stroke(HEIGHT / 2);
    else if (look === 'failed') failed += stroke(HEIGHT / 2);
    else if (look === 'half') {
      half += stroke(HEIGHT / 4);
      fill += stroke((HEIGHT * 3) / 4);
    }
    for (let at = from; look === 'failed' && at < to; at += 1) cross += `M${at * STEP + 1.5} 6l4 4m-4 0l4-4`;
    from = to;
  }
  return [
    ['good', good],
    ['failed', failed],
    ['cross', cross],
    ['half', half],
    ['fill', fill],
  ];
}

function lookOf(day: ChartDay | undefined): 'none' | 'good' | 'failed' | 'half' {
  const state = day?.state ?? 'none';
  return state === 'partly' || state === 'late' ? 'half' : state;
}
