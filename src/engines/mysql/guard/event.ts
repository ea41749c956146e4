import type { Token } from './statements.ts';

/** Follows what stands between an event's name and what it does. */
export interface EventHead {
  /** One token more: `body` from the DO on, `no` for what no server shows of an event. */
  read(token: Token): 'more' | 'body' | 'no';
  /** Whether the word that follows tells whether the event is on. */
  isBeforeState(): boolean;
}

/**
 * What servers show of each event (`Event_timed::get_create_event`; MySQL 8.4 says REPLICA), and so what a dump has: a schedule of
 * literals, and always whether it is kept and whether it is on. One that left that to the server would be on.
 */
const STEPS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  begin: { ON: 'on' },
  on: { SCHEDULE: 'schedule' },
  schedule: { AT: 'at', EVERY: 'every' },
  at: { text: 'timed' },
  every: { number: 'amount', text: 'amount' },
  amount: { unit: 'repeated' },
  repeated: { STARTS: 'starts', ENDS: 'ends', ON: 'completion' },
  starts: { text: 'started' },
  started: { ENDS: 'ends', ON: 'completion' },
  ends: { text: 'timed' },
  timed: { ON: 'completion' },
  completion: { COMPLETION: 'kept' },
  kept: { NOT: 'not', PRESERVE: 'state' },
  not: { PRESERVE: 'state' },
  state: { ENABLE: 'known', DISABLE: 'off' },
  off: { ON: 'replica', COMMENT: 'comment', DO: 'body' },
  replica: { SLAVE: 'known', REPLICA: 'known' },
  known: { COMMENT: 'comment', DO: 'body' },
  comment: { text: 'commented' },
  commented: { DO: 'body' },
};

const UNIT =
  /^(?:YEAR|QUARTER|MONTH|WEEK|DAY|HOUR|MINUTE|SECOND|YEAR_MONTH|DAY_HOUR|DAY_MINUTE|DAY_SECOND|HOUR_MINUTE|HOUR_SECOND|MINUTE_SECOND)$/;

export function newEventHead(): EventHead {
  let step = 'begin';
  return {
    read(token) {
      const next = STEPS[step]?.[symbolOf(token)];
      if (next === undefined) return 'no';
      step = next;
      return step === 'body' ? 'body' : 'more';
    },
    isBeforeState: () => step === 'state',
  };
}

/** Words in capitals, all else in small letters. */
function symbolOf({ kind, text }: Token): string {
  if (kind === 'string') return 'text';
  if (kind !== 'word') return 'other';
  const word = text.toUpperCase();
  if (UNIT.test(word)) return 'unit';
  return /^\d+$/.test(word) ? 'number' : word;
}
