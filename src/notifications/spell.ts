/** What is known of trouble of one type at one database. */
export interface Spell {
  readonly isOpen: boolean;
  readonly since: string;
  /** Events in it. */
  readonly count: number;
  readonly toldAt: string | null;
  /** When one of its kind was last told, this or an earlier one. */
  readonly lastToldAt: string | null;
  /** When it is told if it lasts. */
  readonly tellAt: string | null;
}

/** As admins set it for a type. */
export interface Bounce {
  readonly bounceEnabled: boolean;
  /** So many events make a spell that is told. */
  readonly bounceThreshold: number;
  /** Seconds within which no other spell is told. */
  readonly bounceCooldown: number;
}

/**
 * What an event makes of a spell, and whether people are told of it now: with bounce control once while it lasts, from the event
 * on that fills the threshold; one that begins soon after another was told is held back, and told when that time is over if it
 * still lasts. Nothing that lasts is kept from people for longer.
 */
export function afterEvent(
  before: Spell | null,
  bounce: Bounce,
  now: Date,
): { readonly spell: Spell; readonly isTold: boolean } {
  const at = now.toISOString();
  const lastToldAt = before?.lastToldAt ?? null;
  const going: Spell =
    before?.isOpen === true
      ? before
      : { isOpen: true, since: at, count: 0, toldAt: null, lastToldAt, tellAt: null };
  const counted = { ...going, count: going.count + 1 };
  const told = { spell: { ...counted, toldAt: at, lastToldAt: at, tellAt: null }, isTold: true };
  if (!bounce.bounceEnabled) return told;
  if (counted.toldAt !== null || counted.count < bounce.bounceThreshold)
    return { spell: counted, isTold: false };
  const tellAt = lastToldAt === null ? null : Date.parse(lastToldAt) + bounce.bounceCooldown * 1000;
  // Further ahead than any pause: the clock was set back.
  const isHeld = tellAt !== null && tellAt > now.getTime() && tellAt <= now.getTime() + LONGEST_COOLDOWN_MS;
  return isHeld ? { spell: { ...counted, tellAt: new Date(tellAt).toISOString() }, isTold: false } : told;
}

const LONGEST_COOLDOWN_MS = 86_400_000;

/** What it is once the trouble is over; whether people are to be told of that, too. */
export function afterEnd(spell: Spell): { readonly spell: Spell; readonly isTold: boolean } {
  return { spell: { ...spell, isOpen: false, tellAt: null }, isTold: spell.isOpen && spell.toldAt !== null };
}
