import { html } from 'hono/html';
import { weekdayText } from '../parts/charts/day-text.ts';

/** One hour of the days ahead, and how many runs begin in it. */
export interface HourOfWeek {
  /** 0: today. */
  readonly day: number;
  /** Of the day, by the clock of the zone. */
  readonly hour: number;
  readonly runs: number;
}

const CELL = 22;
const GAP = 2;
const LEFT = 92;
const TOP = 18;
const HOURS = 24;

/** Seven days of hours, the darker the more begins. What it shows is in the tables too: it is one picture with one text. */
export function WeekGrid(props: {
  readonly hours: readonly HourOfWeek[];
  readonly zone: string;
  readonly days: readonly string[];
}) {
  const { hours, zone, days } = props;
  const most = Math.max(1, ...hours.map(({ runs }) => runs));
  const total = hours.reduce((sum, { runs }) => sum + runs, 0);
  const lines = Math.max(1, ...hours.map(({ day }) => day + 1));
  const width = LEFT + HOURS * (CELL + GAP);
  const height = TOP + lines * (CELL + GAP);
  const words = `${total === 1 ? '1 run begins' : `${total} runs begin`} in these seven days, at most ${total === 0 ? 0 : most} in one hour (${zone}).`;
  return (
    <figure class="week-grid">
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={words}>
        {Array.from({ length: HOURS / 3 }, (_, index) => (
          <text key={index} x={LEFT + index * 3 * (CELL + GAP)} y={TOP - 6} class="week-label">
            {String(index * 3).padStart(2, '0')}
          </text>
        ))}
        {days.map((label, day) => (
          <text key={label} x={0} y={TOP + day * (CELL + GAP) + CELL * 0.7} class="week-label">
            {weekdayText(label)}
          </text>
        ))}
        {hours.map((hour) => cellOf(hour, levelOf(hour.runs, most), days[hour.day] ?? ''))}
      </svg>
      <figcaption class="muted">{words}</figcaption>
    </figure>
  );
}

/** As text: of elements, a week of hours would be the most costly part of the page. */
function cellOf({ day, hour, runs }: HourOfWeek, level: number, date: string) {
  const [x, y] = [LEFT + hour * (CELL + GAP), TOP + day * (CELL + GAP)];
  const words = `${weekdayText(date)} ${String(hour).padStart(2, '0')}:00: ${runs} begin`;
  return html`<rect class="week-hour week-${level}" x="${x}" y="${y}" width="${CELL}" height="${CELL}" rx="3"><title>${words}</title></rect>`;
}

function levelOf(runs: number, most: number): number {
  return runs === 0 ? 0 : Math.max(1, Math.ceil((4 * runs) / most));
}
