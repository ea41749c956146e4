import { cellShapes, type Placed } from '../parts/charts/day-cells.ts';
import { dayText, monthText } from '../parts/charts/day-text.ts';

/** How many backups of a day stay and how many go. */
export interface RetentionDay {
  /** `2026-02-25`. */
  readonly day: string;
  readonly stay: number;
  readonly go: number;
}

const CELL = 12;
const STEP = 15;
const TOP = 16;
const DAYS = 7;

/** Days that follow each other, oldest first and from a Monday on, as weeks: filled where all stays, crossed where all goes. */
export function RetentionCalendar({ days }: { readonly days: readonly RetentionDay[] }) {
  const cells = days.map((day, index) => ({
    state: stateOf(day),
    x: Math.floor(index / DAYS) * STEP,
    y: TOP + (index % DAYS) * STEP,
  }));
  const width = Math.ceil(days.length / DAYS) * STEP;
  const height = TOP + DAYS * STEP;
  return (
    <figure class="calendar">
      <svg
        role="img"
        aria-label={sentence(days)}
        viewBox={`0 0 ${width} ${height}`}
        width={width}
        height={height}
      >
        {monthsOf(days).map(({ week, name }) => (
          <text key={week} x={week * STEP} y={TOP - 6}>
            {name}
          </text>
        ))}
        <Cells cells={cells} />
      </svg>
      <figcaption class="chart-note">
        {LEGEND.map(([state, words]) => (
          <span key={state} class="legend">
            <svg width={CELL} height={CELL} viewBox={`0 0 ${CELL} ${CELL}`} aria-hidden="true">
              <Cells cells={[{ state, x: 0, y: 0 }]} />
            </svg>
            {words}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

const LEGEND = [
  ['good', 'stays'],
  ['partly', 'some go'],
  ['failed', 'goes'],
  ['none', 'no backup'],
] as const;

function Cells({ cells }: { readonly cells: readonly Placed[] }) {
  const shapes = cellShapes(cells, CELL, CELL);
  return (
    <>
      {shapes.none !== '' && <path class="day-none" d={shapes.none} />}
      {shapes.good !== '' && <path class="day-good" d={shapes.good} />}
      {shapes.failed !== '' && <path class="day-goes" d={shapes.failed} />}
      {shapes.crosses !== '' && <path class="day-cross" d={shapes.crosses} />}
      {shapes.halves !== '' && <path class="day-some-go" d={shapes.halves} />}
      {shapes.halfFills !== '' && <path class="day-some-go-fill" d={shapes.halfFills} />}
    </>
  );
}

function stateOf({ stay, go }: RetentionDay): Placed['state'] {
  if (stay + go === 0) return 'none';
  if (go === 0) return 'good';
  return stay === 0 ? 'failed' : 'partly';
}

function sentence(days: readonly RetentionDay[]): string {
  const [first, last] = [days[0], days.at(-1)];
  if (first === undefined || last === undefined) return 'No days';
  const sum = (of: 'stay' | 'go') => days.reduce((total, day) => total + day[of], 0);
  return `From ${dayText(first.day)} to ${dayText(last.day)}: ${sum('stay')} backups stay, ${sum('go')} go.`;
}

function monthsOf(days: readonly RetentionDay[]) {
  const months: { week: number; name: string }[] = [];
  for (const [index, { day }] of days.entries()) {
    if (index % DAYS !== 0) continue;
    const name = monthText(day);
    if (months.at(-1)?.name === name) continue;
    const week = index / DAYS;
    if (week - (months.at(-1)?.week ?? -3) < 3) months.pop();
    months.push({ week, name });
  }
  return months;
}
