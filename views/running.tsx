import { describeRun, type LiveRun, waitWords } from './backup/run-words.ts';
import { type EndedRun, Result } from './database/live-runs.tsx';
import { formatBytes, formatDuration } from './parts/format.ts';
import { LiveRegion } from './parts/live-region.tsx';
import { type Reader, useReader } from './parts/reader.ts';
import { RunBadge, type RunState } from './parts/run-badge.tsx';
import { describeRestore, type LiveRestore } from './restore/restore-words.ts';

/** A run that waits or goes on, in a line of a list. */
export interface RunningItem {
  readonly id: string;
  /** What it is about, such as the name of a database. */
  readonly subject: string;
  readonly href: string;
  readonly environmentName: string | null;
  readonly state: RunState;
  /** When it began; null of one that waits. */
  readonly startedAt: string | null;
  /** How far it is; of what goes by no bytes its step alone, null where it has begun none. */
  readonly doing:
    | { readonly kind: 'backup'; readonly live: LiveRun }
    | { readonly kind: 'restore'; readonly live: LiveRestore }
    | { readonly kind: 'other'; readonly step: string | null };
}

export interface RunningProps {
  readonly url: string;
  readonly items: readonly RunningItem[];
  /** There are more than the items. */
  readonly more: boolean;
  /** What became of the backups among those that the page has shown. */
  readonly ended: readonly NamedEnd[];
  /** Above a list that tells more, it says nothing where nothing runs. */
  readonly isAboveList: boolean;
}

/** The end of a backup, and whose. */
export interface NamedEnd extends EndedRun {
  readonly databaseName: string;
}

/** What waits and runs now. It asks for itself again at `url`. */
export function Running(props: RunningProps) {
  const reader = useReader();
  const items = props.items.map((item) => ({ ...item, words: wordsOf(item, reader) }));
  const running = items.filter(({ state }) => state === 'running');
  const [first] = running;
  return (
    <LiveRegion
      id="running"
      url={props.url}
      isBusy={items.length > 0}
      status={running
        .map(({ subject, words }) => [subject, words.state].filter(isSaid).join(': '))
        .join(', ')}
      {...(first === undefined
        ? {}
        : { title: [first.words.title, first.subject].filter(isSaid).join(' · ') })}
    >
      {items.length === 0 && props.ended.length === 0 && !props.isAboveList && (
        <p class="muted">Nothing runs or waits.</p>
      )}
      {props.ended.map((run) => (
        <Result key={run.id} run={run} databaseName={run.databaseName} />
      ))}
      <ul class="running">
        {items.map(({ words, ...item }) => (
          <li key={item.id} id={`running-${item.id}`}>
            <div>
              <a href={item.href}>{item.subject}</a>{' '}
              {item.environmentName !== null && <small class="muted">{item.environmentName}</small>}
            </div>
            <div>
              <RunBadge state={item.state} />
              {words.state !== '' && <small>{words.state}</small>}{' '}
              {item.state !== 'pending' && (
                <small>
                  <a href={`/runs/${item.id}/log`}>
                    Log<span class="visually-hidden">: {item.subject}</span>
                  </a>
                </small>
              )}
            </div>
            {item.state === 'running' && (
              <>
                <progress
                  max={100}
                  value={words.share === null ? undefined : Math.floor(words.share * 100)}
                  aria-label={`Progress of ${item.subject}`}
                />
                {words.numbers !== '' && <small class="muted">{words.numbers}</small>}
              </>
            )}
          </li>
        ))}
      </ul>
      {props.more && (
        <p>
          <a href="/runs">More of them</a>
        </p>
      )}
    </LiveRegion>
  );
}

const isSaid = (text: string) => text !== '';

interface Words {
  /** 0–1 within the step; null where nobody can tell: the bar has no end then. */
  readonly share: number | null;
  readonly numbers: string;
  /** Such as `dumping`; empty where the badge says it all. */
  readonly state: string;
  readonly title: string;
}

function wordsOf(item: RunningItem, reader: Reader | null): Words {
  const { doing, state } = item;
  const since = reader === null ? '' : sinceWords(item, reader.now);
  if (doing.kind === 'other') {
    const text = doing.step === null ? '' : (STEPS[doing.step] ?? doing.step);
    return { share: null, numbers: since, state: text, title: text };
  }
  if (doing.kind === 'restore') {
    const words = describeRestore(doing.live);
    return withoutWaiting({ ...words, numbers: words.numbers === '' ? since : words.numbers }, state);
  }
  const words = describeRun(doing.live);
  const waits = reader === null ? null : waitWords(doing.live, reader.now);
  const sent = words.numbers === '' ? since : words.numbers;
  const numbers = [sent, waits ?? ''].filter(isSaid).join(' · ');
  return withoutWaiting({ ...words, numbers }, state);
}

/** Of what has no numbers yet, so that nobody takes it for one that hangs: `began 13 s ago, 0 B so far`. */
function sinceWords({ state, startedAt, doing }: RunningItem, now: Date): string {
  const ms = now.getTime() - Date.parse(startedAt ?? '');
  // Of a clock that was set back, nothing.
  if (state !== 'running' || !(ms >= 0)) return '';
  const isDumping = doing.kind === 'backup' && doing.live.step === 'dump';
  return `began ${formatDuration(ms / 1000)} ago${isDumping ? `, ${formatBytes(doing.live.bytesRead)} so far` : ''}`;
}

/** The badge of one that waits says so. */
function withoutWaiting(words: Words, state: RunState): Words {
  return state === 'pending' && words.state === 'waiting' ? { ...words, state: '' } : words;
}

/** Of runs that are neither of a backup nor of a restore. */
const STEPS: Readonly<Record<string, string>> = { reading: 'reading in full' };
