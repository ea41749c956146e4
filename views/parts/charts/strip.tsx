import { html } from 'hono/html';
import { type ChartDay, countDays } from './day-cells.ts';

/** A day is one wide, of which the style sheet leaves a quarter free. */
const HEIGHT = 3;

/** Of each strip: the style sheet draws as many days without anything, and what there was covers them. */
export const STRIP_DAYS = 26;

/** Of days that are no stroke of one colour; the style sheet strokes with them. Once on a page that has strips. */
export function StripPatterns() {
  const day = { width: 1, height: HEIGHT, y: -HEIGHT / 2, patternUnits: 'userSpaceOnUse' };
  return (
    <svg class="strip-patterns" width="0" height="0" aria-hidden="true">
      <pattern id="strip-failed" {...day}>
        <path class="failed" d="M0 1.5h1" />
        <path class="cross" d="M.125 1.25l.5 .5m-.5 0l.5-.5" />
      </pattern>
      <pattern id="strip-half" {...day}>
        <path class="half" d="M0 .75h1" />
        <path class="fill" d="M0 2.25h1" />
      </pattern>
    </svg>
  );
}

/**
 * The last days in one line of a list, oldest first. One path for each state, and a sentence. Days of a state that follow each
 * other are one stroke, which the style sheet cuts into days: a list has fifty of these, each as short as can be.
 */
export function Strip({ days }: { readonly days: readonly ChartDay[] }) {
  return (
    <svg
      class="strip"
      role="img"
      aria-label={`${days.length} days: ${countDays(days) || 'no backup'}.`}
      viewBox={`0 -1.5 ${Math.max(1, days.length)} ${HEIGHT}`}
    >
      {LOOKS.map((look) => pathOf(look, strokesOf(days, look)))}
    </svg>
  );
}

/** Most days are good, and most lists have fifty strips: the style sheet knows them without a word. Closed in the short way of SVG. */
function pathOf(look: (typeof LOOKS)[number], strokes: string) {
  if (strokes === '') return null;
  return look === 'good' ? html`<path d="${strokes}"/>` : html`<path class="${look}" d="${strokes}"/>`;
}

const LOOKS = ['good', 'failed', 'half'] as const;

function strokesOf(days: readonly ChartDay[], look: (typeof LOOKS)[number]): string {
  let strokes = '';
  for (let from = 0; from < days.length; ) {
    let to = from;
    while (to < days.length && lookOf(days[to]) === look) to += 1;
    if (to > from) strokes += `M${from} 0h${to - from}`;
    from = to + 1;
  }
  return strokes;
}

function lookOf(day: ChartDay | undefined): 'none' | (typeof LOOKS)[number] {
  const state = day?.state ?? 'none';
  return state === 'partly' || state === 'late' ? 'half' : state;
}
