import { type ChartDay, describeDays } from './day-cells.ts';

const STEP = 9;
const WIDTH = 7;
const HEIGHT = 16;

/**
 * The last days in one line of a list, oldest first. One path for each state, and a sentence. Days of a state that follow each
 * other are one stroke, which the style sheet cuts into days: a list has fifty of these, each as short as can be.
 */
export function Strip({ days, name }: { readonly days: readonly ChartDay[]; readonly name?: string }) {
  const width = Math.max(1, days.length * STEP - (STEP - WIDTH));
  const strokes = (states: readonly ChartDay['state'][], y: number) =>
    runsOf(days, states)
      .map(({ from, length }) => `M${from * STEP} ${y}h${length * STEP - (STEP - WIDTH)}`)
      .join('');
  const shapes = [
    ['day-none', strokes(['none'], HEIGHT / 2)],
    ['day-good', strokes(['good'], HEIGHT / 2)],
    ['day-failed', strokes(['failed'], HEIGHT / 2)],
    ['day-cross', crosses(days)],
    ['day-half', strokes(['partly', 'late'], HEIGHT / 4)],
    ['day-half-fill', strokes(['partly', 'late'], (HEIGHT * 3) / 4)],
  ] as const;
  return (
    <svg
      class="strip"
      role="img"
      aria-label={describeDays(days, name === undefined ? 'Backups' : `Backups of ${name}`)}
      viewBox={`0 0 ${width} ${HEIGHT}`}
    >
      {shapes.map(([look, d]) => (d === '' ? null : <path key={look} class={look} d={d} />))}
    </svg>
  );
}

/** Days of these states that follow each other. */
function runsOf(days: readonly ChartDay[], states: readonly ChartDay['state'][]) {
  const runs: { from: number; length: number }[] = [];
  for (const [index, { state }] of days.entries()) {
    if (!states.includes(state)) continue;
    const last = runs.at(-1);
    if (last !== undefined && last.from + last.length === index) last.length += 1;
    else runs.push({ from: index, length: 1 });
  }
  return runs;
}

function crosses(days: readonly ChartDay[]): string {
  return days
    .map(({ state }, index) => (state === 'failed' ? `M${index * STEP + 1.5} 6l4 4m-4 0l4-4` : ''))
    .join('');
}
