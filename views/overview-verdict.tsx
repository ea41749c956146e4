import type { ProtectionState } from './parts/protection-badge.tsx';
import { Verdict } from './parts/verdict.tsx';

/** Whether all databases are safe, in one sentence, the worst that there is. */
export function OverviewVerdict(props: {
  readonly counts: Readonly<Record<ProtectionState, number>>;
  readonly total: number;
  /** Of the oldest last good backup. */
  readonly oldest: { readonly age: string } | null;
}) {
  const { counts, total, oldest } = props;
  const unsafe = counts.never + counts.late;
  const show = (label: string, href: string) => (
    <a class="button" href={href}>
      {label}
    </a>
  );
  const paused = counts.paused > 0 ? `${counts.paused} paused. ` : '';
  if (unsafe > 0) {
    const title = `${unsafe} of ${total} ${total === 1 ? 'databases is' : 'databases are'} not safe`;
    const wrong = [
      ...(counts.never > 0 ? [`${counts.never} never backed up`] : []),
      ...(counts.late > 0 ? [`${counts.late} late`] : []),
      ...(counts.failing > 0 ? [`${counts.failing} failing`] : []),
      ...(counts.paused > 0 ? [`${counts.paused} paused`] : []),
    ].join(', ');
    return (
      <Verdict tone="error" title={title} action={show('Show them', '/databases?sort=state')}>
        {wrong}. {othersThan(counts.protected)}
      </Verdict>
    );
  }
  if (counts.failing > 0) {
    return (
      <Verdict
        tone="warning"
        title={`${counts.failing} of ${total} databases ${counts.failing === 1 ? 'is' : 'are'} failing`}
        action={show('Show them', '/databases?state=failing')}
      >
        The last good backup of each is still new enough. {paused}
        {othersThan(counts.protected)}
      </Verdict>
    );
  }
  if (counts.paused > 0) {
    return (
      <Verdict
        tone="warning"
        title={`${counts.paused} of ${total} databases ${counts.paused === 1 ? 'is' : 'are'} paused`}
        action={show('Show them', '/databases?state=paused')}
      >
        No backup begins by itself while a schedule is paused. {othersThan(counts.protected)}
      </Verdict>
    );
  }
  const age = oldest === null ? '' : `Oldest backup ${oldest.age}.`;
  return (
    <Verdict tone="success" title={total === 1 ? 'Your database is safe' : `All ${total} databases are safe`}>
      {age}
    </Verdict>
  );
}

function othersThan(count: number): string {
  if (count === 0) return '';
  return count === 1
    ? 'The other one has a good backup within its target.'
    : `The other ${count} have a good backup within their target.`;
}
