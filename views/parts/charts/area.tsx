import { scaleLinear, scaleUtc } from 'd3-scale';
import { line } from 'd3-shape';
import { formatBytes } from '../format.ts';
import { dayText, shortDayText } from './day-text.ts';

export interface AreaPoint {
  /** ISO-8601. */
  readonly at: string;
  readonly bytes: number;
  /** Stands out from those before it; says why. */
  readonly mark?: string | undefined;
  /** Where one that stands out is explained. */
  readonly href?: string | undefined;
}

const WIDTH = 400;
const HEIGHT = 160;
const LEFT = 62;
const RIGHT = 8;
const TOP = 10;
const BOTTOM = 22;
const ROWS = 4;
const COLUMNS = 4;

/** Bytes over time, oldest first, from nothing up, with the numbers in a table. `noun` says what they are the bytes of. */
export function AreaChart(props: {
  readonly points: readonly AreaPoint[];
  readonly noun: string;
  readonly empty?: string;
}) {
  const points = usable(props.points);
  const last = points.at(-1);
  if (last === undefined) return <p class="chart-note">{props.empty ?? 'Nothing to show yet.'}</p>;
  const { x, y, ticks } = scalesOf(points);
  const place = (point: Usable): [number, number] => [round(x(point.time)), round(y(point.bytes))];
  const places = points.map(place);
  const curve = line()(places) ?? '';
  const floor = HEIGHT - BOTTOM;
  return (
    <figure class="area-chart">
      <svg
        role={points.some(isLinked) ? 'figure' : 'img'}
        aria-label={describe(points, props.noun)}
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        width={WIDTH}
        height={HEIGHT}
      >
        <path class="grid" d={ticks.map((tick) => `M${LEFT} ${round(y(tick))}H${WIDTH - RIGHT}`).join('')} />
        {ticks.map((tick) => (
          <text key={tick} x={LEFT - 6} y={round(y(tick)) + 3} text-anchor="end">
            {formatBytes(tick)}
          </text>
        ))}
        {datesOf(x, points).map(({ at, text }) => (
          <text key={at} x={at} y={HEIGHT - 6} text-anchor="middle">
            {text}
          </text>
        ))}
        <path class="area" d={`${curve}V${floor}H${places[0]?.[0] ?? LEFT}Z`} />
        <path class="line" d={curve} />
        {points.length === 1 && <circle class="dot" cx={places[0]?.[0]} cy={places[0]?.[1]} r={3} />}
        {points.map((point, index) => (
          <Mark key={point.at} point={point} at={places[index]} />
        ))}
      </svg>
      <details>
        <summary>The numbers</summary>
        <Numbers points={points} />
      </details>
    </figure>
  );
}

const isLinked = ({ mark, href }: AreaPoint) => mark !== undefined && href !== undefined;

/** What stands out; it leads to where it is explained. By keyboard that is reached in the table. */
function Mark({ point, at }: { readonly point: Usable; readonly at: [number, number] | undefined }) {
  if (point.mark === undefined) return null;
  const words = `${dayText(point.at.slice(0, 10))}: ${formatBytes(point.bytes)}, ${point.mark}`;
  const circle = (
    <circle class="mark" cx={at?.[0]} cy={at?.[1]} r={4}>
      <title>{words}</title>
    </circle>
  );
  if (point.href === undefined) return circle;
  return (
    <a href={point.href} tabindex={-1} aria-label={words}>
      {circle}
    </a>
  );
}

function Numbers({ points }: { readonly points: readonly Usable[] }) {
  return (
    <table>
      <tbody>
        {points.toReversed().map((point) => (
          <tr key={point.at}>
            <td>
              {point.href !== undefined && point.mark !== undefined ? (
                <a href={point.href}>{dayText(point.at.slice(0, 10))}</a>
              ) : (
                dayText(point.at.slice(0, 10))
              )}
            </td>
            <td>
              {formatBytes(point.bytes)}
              {point.mark === undefined ? '' : `, ${point.mark}`}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface Usable extends AreaPoint {
  readonly time: number;
}

/** Points with a time and a size; what is neither is not drawn, so that no path has a NaN in it. */
function usable(points: readonly AreaPoint[]): readonly Usable[] {
  return points
    .map((point) => ({ ...point, time: Date.parse(point.at) }))
    .filter(({ time, bytes }) => Number.isFinite(time) && bytes >= 0 && bytes <= Number.MAX_SAFE_INTEGER);
}

const UNIT = 1024;

function scalesOf(points: readonly Usable[]) {
  const most = Math.max(1, ...points.map(({ bytes }) => bytes));
  const times = points.map(({ time }) => time);
  // Whole numbers of the unit that the largest one is told in.
  const unit = UNIT ** Math.min(5, Math.floor(Math.log(most) / Math.log(UNIT)));
  const inUnits = scaleLinear()
    .domain([0, most / unit])
    .nice(ROWS);
  const top = inUnits.domain()[1] ?? 1;
  const y = scaleLinear()
    .domain([0, top * unit])
    .range([HEIGHT - BOTTOM, TOP]);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const x = scaleUtc()
    .domain(first === last ? [first - 1, first + 1] : [first, last])
    .range([LEFT, WIDTH - RIGHT]);
  return { x, y, ticks: ticksOf(inUnits.ticks(ROWS), unit, points) };
}

/** In bytes: none between whole ones, and but one where all is nothing. */
function ticksOf(ticks: readonly number[], unit: number, points: readonly Usable[]): readonly number[] {
  if (points.every(({ bytes }) => bytes === 0)) return [0];
  return ticks.map((tick) => tick * unit).filter((tick) => unit > 1 || Number.isInteger(tick));
}

/** Some dates along the bottom, none twice; of a single moment its own. */
function datesOf(x: ReturnType<typeof scalesOf>['x'], points: readonly Usable[]) {
  const [first, last] = [points[0], points.at(-1)];
  const isShort = (last?.time ?? 0) - (first?.time ?? 0) < COLUMNS * 86_400_000;
  const dates = isShort ? [new Date(last?.time ?? 0)] : x.ticks(COLUMNS);
  const texts = dates.map((date) => ({
    at: Math.min(WIDTH - 24, round(x(date))),
    text: shortDayText(date.toISOString().slice(0, 10)),
  }));
  return texts.filter(({ text }, index) => texts.findIndex((one) => one.text === text) === index);
}

function describe(points: readonly Usable[], noun: string): string {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return noun;
  const sizes = points.map(({ bytes }) => bytes);
  const marked = points.filter(({ mark }) => mark !== undefined).length;
  const when = `${dayText(first.at.slice(0, 10))} to ${dayText(last.at.slice(0, 10))}`;
  const range = `between ${formatBytes(Math.min(...sizes))} and ${formatBytes(Math.max(...sizes))}`;
  const stands = marked === 0 ? '' : `; ${marked} stand out`;
  return `${noun} from ${when}: ${range}, at last ${formatBytes(last.bytes)}${stands}.`;
}

const round = (value: number): number => Math.round(value * 10) / 10;
