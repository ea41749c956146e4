import { dayText, shortDayText } from './day-text.ts';

/** A day of a calendar or a strip: how many backups that were asked for on it ended well, how many failed, and what that means. */
export interface ChartDay {
  /** `2026-02-25`. */
  readonly day: string;
  readonly good: number;
  readonly failed: number;
  readonly state: 'good' | 'partly' | 'failed' | 'late' | 'none';
}

/** What a cell of this size at this place is drawn with; shapes of one kind are joined to one path. */
export interface CellShapes {
  /** Filled. */
  readonly good: string;
  readonly failed: string;
  /** White, over the failed ones. */
  readonly crosses: string;
  /** Outlines with one half filled: some failed, or none came though one was due. */
  readonly halves: string;
  readonly halfFills: string;
  /** Outlines. */
  readonly none: string;
}

export interface Placed {
  readonly state: ChartDay['state'];
  readonly x: number;
  readonly y: number;
}

/** The paths of cells that are so wide and high; told apart by their shape, without any colour. */
export function cellShapes(cells: readonly Placed[], width: number, height: number): CellShapes {
  const box = ({ x, y }: Placed) => `M${x} ${y}h${width}v${height}h${-width}z`;
  const inner = ({ x, y }: Placed) => `M${x + 0.5} ${y + 0.5}h${width - 1}v${height - 1}h${1 - width}z`;
  const cross = ({ x, y }: Placed) => {
    const size = Math.max(2, Math.min(width, height) - (width < 10 ? 2 : 4));
    const [left, top] = [x + (width - size) / 2, y + (height - size) / 2];
    return `M${left} ${top}l${size} ${size}m${-size} 0l${size} ${-size}`;
  };
  const lowerHalf = ({ x, y }: Placed) => `M${x} ${y + height}v${-height}l${width} ${height}z`;
  const shapes = { good: '', failed: '', crosses: '', halves: '', halfFills: '', none: '' };
  for (const cell of cells) {
    if (cell.state === 'good') shapes.good += box(cell);
    else if (cell.state === 'none') shapes.none += inner(cell);
    else if (cell.state === 'failed') {
      shapes.failed += box(cell);
      shapes.crosses += cross(cell);
    } else {
      shapes.halves += inner(cell);
      shapes.halfFills += lowerHalf(cell);
    }
  }
  return shapes;
}

/** `25 Feb: 2 good, 1 failed`; in half a year no day comes twice. */
export function describeDay({ day, good, failed, state }: ChartDay): string {
  const counts = [...(good > 0 ? [`${good} good`] : []), ...(failed > 0 ? [`${failed} failed`] : [])];
  const none = state === 'late' ? 'no backup, though one was due' : 'no backup';
  return `${shortDayText(day)}: ${counts.length === 0 ? none : counts.join(', ')}`;
}

/** A sentence for people who don't see the days: `Backups from … to … (UTC): 180 days good, 2 failed, …`. */
export function describeDays(days: readonly ChartDay[], noun = 'Backups'): string {
  const [first, last] = [days[0], days.at(-1)];
  if (first === undefined || last === undefined) return `${noun}: no days`;
  const none = days.filter(({ state }) => state === 'none').length;
  const told = [countDays(days), ...(none > 0 ? [`${none} without any`] : [])].filter((text) => text !== '');
  return `${noun} from ${dayText(first.day)} to ${dayText(last.day)} (UTC): days ${told.join(', ')}.`;
}

/** `20 good, 1 failed`; of days without any it says nothing. */
export function countDays(days: readonly ChartDay[]): string {
  const count = { good: 0, partly: 0, failed: 0, late: 0, none: 0 };
  for (const { state } of days) count[state] += 1;
  let told = '';
  for (const [state, words] of DAY_WORDS) {
    if (count[state] > 0) told += `${told === '' ? '' : ', '}${count[state]} ${words}`;
  }
  return told;
}

const DAY_WORDS = [
  ['good', 'good'],
  ['partly', 'with some failed'],
  ['failed', 'failed'],
  ['late', 'without one that was due'],
] as const;
