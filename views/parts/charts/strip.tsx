import { type ChartDay, cellShapes, describeDays } from './day-cells.ts';

const WIDTH = 7;
const HEIGHT = 16;
const GAP = 2;

/** The last days in one line of a list, oldest first. One path for each state, and a sentence. */
export function Strip({ days, name }: { readonly days: readonly ChartDay[]; readonly name?: string }) {
  const cells = days.map(({ state }, index) => ({ state, x: index * (WIDTH + GAP), y: 0 }));
  const width = Math.max(1, days.length * (WIDTH + GAP) - GAP);
  const shapes = cellShapes(cells, WIDTH, HEIGHT);
  return (
    <svg
      class="strip"
      role="img"
      aria-label={describeDays(days, name === undefined ? 'Backups' : `Backups of ${name}`)}
      width={width}
      height={HEIGHT}
      viewBox={`0 0 ${width} ${HEIGHT}`}
    >
      {shapes.none !== '' && <path class="day-none" d={shapes.none} />}
      {shapes.good !== '' && <path class="day-good" d={shapes.good} />}
      {shapes.failed !== '' && <path class="day-failed" d={shapes.failed} />}
      {shapes.crosses !== '' && <path class="day-cross" d={shapes.crosses} />}
      {shapes.halves !== '' && <path class="day-half" d={shapes.halves} />}
      {shapes.halfFills !== '' && <path class="day-half-fill" d={shapes.halfFills} />}
    </svg>
  );
}
