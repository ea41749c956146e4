import { html } from 'hono/html';
import { type ChartDay, cellShapes, describeDay, describeDays } from './day-cells.ts';
import { monthText, shortDayText } from './day-text.ts';

const CELL = 12;
const STEP = 15;
const LEFT = 30;
const TOP = 16;
const DAYS = 7;
/** Of cells that lead somewhere; a good one looks as they do by themselves. */
const CLASSES = {
  good: 'day-good',
  partly: 'day-half',
  failed: 'day-failed',
  late: 'day-half',
  none: 'day-none',
} as const;
const LINKED = ['day-none', 'day-good', 'day-half', 'day-failed'] as const;
/** A month's name is left out where the one before it would run into it. */
const MONTH_WEEKS = 3;
const WEEKDAYS = [
  [0, 'Mon'],
  [2, 'Wed'],
  [4, 'Fri'],
] as const;

/**
 * Days that follow each other, oldest first, as weeks from Monday to Sunday, with the numbers in words. `hrefOf` gives where the
 * backups of a day are listed; without it no cell is a link. `note` says whose days they are.
 */
export function Calendar(props: {
  readonly days: readonly ChartDay[];
  readonly hrefOf?: (day: string) => string;
  readonly noun?: string;
  readonly note?: string;
}) {
  const { days, hrefOf } = props;
  const first = days[0];
  if (first === undefined) return <p class="chart-note">There are no days to show.</p>;
  const offset = weekdayOf(first.day);
  const cells = days.map((day, index) => ({ day, state: day.state, ...placeOf(offset + index) }));
  const weeks = Math.ceil((offset + days.length) / DAYS);
  const [width, height] = [LEFT + weeks * STEP, TOP + DAYS * STEP];
  const isLinked = ({ day }: (typeof cells)[number]) => hrefOf !== undefined && day.good + day.failed > 0;
  const linked = cells.filter(isLinked);
  // A cell that leads somewhere draws itself; the others of a kind are one path.
  const shapes = cellShapes(cells, CELL, CELL);
  const plain = cellShapes(
    cells.filter((cell) => !isLinked(cell)),
    CELL,
    CELL,
  );
  return (
    <figure class="calendar">
      <svg
        role={linked.length === 0 ? 'img' : 'figure'}
        aria-label={describeDays(days, props.noun)}
        viewBox={`0 0 ${width} ${height}`}
        width={width}
        height={height}
      >
        {monthsOf(days, offset).map(({ week, name }) => (
          <text key={week} x={LEFT + week * STEP} y={TOP - 6}>
            {name}
          </text>
        ))}
        {WEEKDAYS.map(([row, name]) => (
          <text key={name} x={0} y={TOP + row * STEP + CELL - 2}>
            {name}
          </text>
        ))}
        {plain.none !== '' && <path class="day-none" d={plain.none} />}
        {plain.good !== '' && <path class="day-good" d={plain.good} />}
        {plain.failed !== '' && <path class="day-failed" d={plain.failed} />}
        {plain.halves !== '' && <path class="day-half" d={plain.halves} />}
        {LINKED.map((className) => {
          const cells = linked.filter(({ state }) => CLASSES[state] === className);
          if (cells.length === 0) return null;
          return (
            <g key={className} class={className}>
              {cells.map((cell) => linkedCell(cell, hrefOf?.(cell.day.day) ?? ''))}
            </g>
          );
        })}
        {shapes.crosses !== '' && <path class="day-cross" d={shapes.crosses} />}
        {shapes.halfFills !== '' && <path class="day-half-fill" d={shapes.halfFills} />}
      </svg>
      <figcaption class="chart-note">
        {props.note === undefined ? '' : `${props.note} `}
        <Legend />
      </figcaption>
      <details>
        <summary>The numbers, month by month</summary>
        <Months days={days} {...(hrefOf === undefined ? {} : { hrefOf })} />
      </details>
    </figure>
  );
}

/**
 * As text: of elements, half a year would be the most costly part of a page. By keyboard a day is reached by the field for it above the
 * list that the cells lead to, and those that failed in the table as well: nobody has to pass 180 cells.
 */
function linkedCell(
  { day, x, y }: { readonly day: ChartDay; readonly x: number; readonly y: number },
  href: string,
) {
  // As large as charts.css says: of 180 of them a page that is near its size would be full.
  return html`<a href="${href}" tabindex="-1" aria-label="${describeDay(day)}"><rect x="${x}" y="${y}"/></a>`;
}

function Legend() {
  const states = [
    ['good', 'good'],
    ['late', 'some failed, or none though one was due'],
    ['failed', 'failed'],
    ['none', 'none'],
  ] as const;
  return (
    <>
      Days are by UTC.
      {states.map(([state, words]) => {
        const shapes = cellShapes([{ state, x: 0, y: 0 }], CELL, CELL);
        return (
          <span key={state} class="legend">
            <svg width={CELL} height={CELL} viewBox={`0 0 ${CELL} ${CELL}`} aria-hidden="true">
              {state === 'none' && <path class="day-none" d={shapes.none} />}
              {state === 'good' && <path class="day-good" d={shapes.good} />}
              {state === 'failed' && <path class="day-failed" d={shapes.failed} />}
              {state === 'failed' && <path class="day-cross" d={shapes.crosses} />}
              {state === 'late' && <path class="day-half" d={shapes.halves} />}
              {state === 'late' && <path class="day-half-fill" d={shapes.halfFills} />}
            </svg>
            {words}
          </span>
        );
      })}
    </>
  );
}

/** More than these are no news, and stand in the cells. */
const NAMED = 6;

/** By month, since a row for each day would be longer than the page; the days on which something failed are named. */
function Months({
  days,
  hrefOf,
}: {
  readonly days: readonly ChartDay[];
  readonly hrefOf?: (day: string) => string;
}) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Month</th>
          <th scope="col">Good</th>
          <th scope="col">Failed</th>
          <th scope="col">Days with failed backups</th>
        </tr>
      </thead>
      <tbody>
        {numbersOf(days).map((month) => (
          <tr key={month.name}>
            <th scope="row">{month.name}</th>
            <td>{month.good}</td>
            <td>{month.failed}</td>
            <td>
              {month.bad.slice(0, NAMED).map(({ day }) => (
                <>
                  {hrefOf === undefined ? (
                    shortDayText(day)
                  ) : (
                    <a href={hrefOf(day)}>{shortDayText(day)}</a>
                  )}{' '}
                </>
              ))}
              {month.bad.length > NAMED && `and ${month.bad.length - NAMED} more`}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Newest month first. */
function numbersOf(days: readonly ChartDay[]) {
  const months = new Map<string, ChartDay[]>();
  for (const day of days) {
    const name = `${monthText(day.day)} ${day.day.slice(0, 4)}`;
    const month = months.get(name);
    if (month === undefined) months.set(name, [day]);
    else month.push(day);
  }
  return [...months].reverse().map(([name, month]) => ({
    name,
    good: month.reduce((sum, { good }) => sum + good, 0),
    failed: month.reduce((sum, { failed }) => sum + failed, 0),
    bad: month.filter(({ failed }) => failed > 0),
  }));
}

function placeOf(index: number): { readonly x: number; readonly y: number } {
  return { x: LEFT + Math.floor(index / DAYS) * STEP, y: TOP + (index % DAYS) * STEP };
}

function monthsOf(days: readonly ChartDay[], offset: number) {
  const months: { week: number; name: string }[] = [];
  for (const [index, { day }] of days.entries()) {
    const name = monthText(day);
    const week = Math.floor((offset + index) / DAYS);
    const last = months.at(-1);
    if (last?.name === name) continue;
    // The rest of a month at the beginning gives way to the month after it.
    if (last !== undefined && week - last.week < MONTH_WEEKS) months.pop();
    months.push({ week, name });
  }
  return months;
}

/** 0 for Monday to 6 for Sunday. */
function weekdayOf(day: string): number {
  const weekday = new Date(`${day}T00:00:00.000Z`).getUTCDay();
  return Number.isNaN(weekday) ? 0 : (weekday + 6) % DAYS;
}
