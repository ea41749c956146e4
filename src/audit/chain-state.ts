import type { ChainMark } from './chain-marks.ts';
import { MOST_COUNTED, type Unchained } from './unchained.ts';

/** How the chain is getting on, as far as it is known without reading it. */
export interface ChainState {
  /** Null where nothing is chained yet, or its mark can't be believed. */
  readonly head: Pick<ChainMark, 'number' | 'at'> | null;
  /** Rows; where `isMore`, at least so many. */
  readonly waiting: number;
  readonly isMore: boolean;
  /** `behind`: old rows wait, as after an upgrade, and are being chained; `stopped`: nothing more is. */
  readonly pace: 'steady' | 'behind' | 'stopped';
  /** Why it is stopped, where more is known than that nothing moves. */
  readonly reason: string | null;
}

/** Both a row that waits longer, and an end that stands still for longer, are no matter of turns. */
const LONG_MS = 60_000;

/** `end`: as `readHead` gives it. */
export function chainStateOf({
  end,
  waiting: { rows: waiting, oldestAt },
  now,
}: {
  readonly end: ChainMark | string;
  readonly waiting: Unchained;
  readonly now: Date;
}): ChainState {
  const counted = { waiting, isMore: waiting >= MOST_COUNTED };
  if (typeof end === 'string') return { ...counted, head: null, pace: 'stopped', reason: end };
  const isLongAgo = (at: string) => now.getTime() - Date.parse(at) > LONG_MS;
  const isBehind = oldestAt !== null && isLongAgo(oldestAt);
  const pace = !isBehind ? 'steady' : isLongAgo(end.at) ? 'stopped' : 'behind';
  return { ...counted, head: end.number === 0 ? null : end, pace, reason: null };
}
