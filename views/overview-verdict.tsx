import { Badge } from './parts/badge.tsx';
import type { ProtectionState } from './parts/protection-badge.tsx';
import { Verdict } from './parts/verdict.tsx';

/** Whether all databases are safe, in one sentence, the worst that there is. */
export function OverviewVerdict(props: {
  readonly counts: Readonly<Record<ProtectionState, number>>;
  readonly total: number;
  /** Of the oldest last good backup. */
  readonly oldest: { readonly age: string } | null;
  /** Databases that no schedule backs up: they are safe until their last good backup is too old, and no longer. */
  readonly unscheduled: number;
  /** The environment whose databases these are; null: of all. */
  readonly environment: { readonly name: string } | null;
}) {
  const { counts, total, oldest, unscheduled } = props;
  const whole: Whole = { total, environment: props.environment };
  const unsafe = counts.never + counts.late;
  const show = (label: string, href: string) => (
    <a class="button" href={href}>
      {label}
    </a>
  );
  const paused = counts.paused > 0 ? `${counts.paused} paused. ` : '';
  if (unsafe > 0) {
    const title = ofAll(unsafe, whole, 'not safe');
    const wrong = [
      ...(counts.never > 0 ? [`${counts.never} never backed up`] : []),
      ...(counts.late > 0 ? [`${counts.late} late`] : []),
      ...(counts.failing > 0 ? [`${counts.failing} failing`] : []),
      ...(counts.paused > 0 ? [`${counts.paused} paused`] : []),
    ].join(', ');
    return (
      <Verdict tone="error" title={title} action={show(showWords(unsafe), '/databases?state=unsafe')}>
        {total === 1 ? UNSAFE[counts.never > 0 ? 'never' : 'late'] : `${wrong}.`}{' '}
        {othersThan(counts.protected)}
      </Verdict>
    );
  }
  if (counts.failing > 0) {
    return (
      <Verdict
        tone="warning"
        title={ofAll(counts.failing, whole, 'failing')}
        action={show(showWords(counts.failing), '/databases?state=failing')}
      >
        The last good backup{counts.failing === 1 ? '' : ' of each'} is still new enough. {paused}
        {othersThan(counts.protected)}
      </Verdict>
    );
  }
  if (counts.paused > 0) {
    return (
      <Verdict
        tone="warning"
        title={ofAll(counts.paused, whole, 'paused')}
        action={show(showWords(counts.paused), '/databases?state=paused')}
      >
        No backup begins by itself while a schedule is paused. {othersThan(counts.protected)}
      </Verdict>
    );
  }
  const whose = total === 1 ? 'Its last good backup' : 'The oldest of their last good backups';
  const age = oldest === null ? '' : `${whose} is ${oldest.age} old.`;
  const state = unscheduled === 0 ? 'safe' : 'backed up';
  return (
    <Verdict
      tone="success"
      title={total === 1 ? ofAll(1, whole, state) : `All ${total} databases${placeOf(whole)} are ${state}`}
      action={unscheduled === 0 ? undefined : show('Schedules', '/schedules')}
    >
      {age} {unscheduled > 0 && unscheduledWords(unscheduled, total)}
    </Verdict>
  );
}

function unscheduledWords(count: number, total: number): string {
  if (total === 1) return 'It has no schedule: nothing backs it up again by itself.';
  const which =
    count === total
      ? 'None of them has a schedule'
      : `${count} of them ${count === 1 ? 'has' : 'have'} no schedule`;
  return `${which}: nothing backs ${count === 1 ? 'it' : 'them'} up again by itself.`;
}

/** What the environment filter hides: the verdict must not be taken for that of all. */
export function Elsewhere({ count }: { readonly count: number }) {
  if (count === 0) return null;
  return (
    <p class="elsewhere">
      <Badge tone="error" text="not safe" />
      <span>
        Elsewhere {count === 1 ? '1 database is' : `${count} databases are`} not safe.{' '}
        <a href="/?environment=all">All environments</a>
      </span>
    </p>
  );
}

/** All that is spoken of. */
interface Whole {
  readonly total: number;
  readonly environment: { readonly name: string } | null;
}

/** `2 of 3 databases of production are not safe`; of a single one no count. */
function ofAll(count: number, whole: Whole, state: string): string {
  const { total, environment } = whole;
  if (total === 1) return `${environment === null ? 'Your' : 'The'} database${placeOf(whole)} is ${state}`;
  return `${count} of ${total} databases${placeOf(whole)} ${count === 1 ? 'is' : 'are'} ${state}`;
}

const placeOf = ({ environment }: Whole) => (environment === null ? '' : ` of ${environment.name}`);

const showWords = (count: number) => (count === 1 ? 'Show it' : 'Show them');

/** Of a single one. */
const UNSAFE = {
  never: 'It was never backed up.',
  late: 'Its last good backup is older than it may be.',
} as const;

function othersThan(count: number): string {
  if (count === 0) return '';
  return count === 1
    ? 'The other one has a good backup within its target.'
    : `The other ${count} have a good backup within their target.`;
}
