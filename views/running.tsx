import { formatBytes } from './parts/format.ts';
import { LiveRegion } from './parts/live-region.tsx';
import { RunBadge, type RunState } from './parts/run-badge.tsx';

/** A run that waits or goes on, in a line of a list. */
export interface RunningItem {
  readonly id: string;
  /** What it is about, such as the name of a database. */
  readonly subject: string;
  readonly href: string;
  readonly environmentName: string | null;
  readonly state: RunState;
  /** Such as `dumping`; null while it waits. */
  readonly step: string | null;
  /** Bytes so far and those that are expected; null where it does not go by bytes. */
  readonly bytes: { readonly read: number; readonly estimated: number | null } | null;
}

/** What waits and runs now. It asks for itself again at `url`. */
export function Running(props: {
  readonly url: string;
  readonly items: readonly RunningItem[];
  /** There are more than the items. */
  readonly more: boolean;
}) {
  const { items } = props;
  const running = items.filter(({ state }) => state === 'running');
  return (
    <LiveRegion id="running" url={props.url} isBusy={items.length > 0} status={statusOf(running)}>
      {items.length === 0 && <p class="muted">Nothing runs or waits.</p>}
      <ul class="running">
        {items.map((item) => (
          <li key={item.id} id={`running-${item.id}`}>
            <div>
              <a href={item.href}>{item.subject}</a>{' '}
              {item.environmentName !== null && <small class="muted">{item.environmentName}</small>}
            </div>
            <div>
              <RunBadge state={item.state} />
              {item.step !== null && <small>{item.step}</small>}
            </div>
            {item.state === 'running' && <Bar item={item} />}
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

/** Without an end where nothing tells how much there is to come. */
function Bar({ item: { bytes, subject } }: { readonly item: RunningItem }) {
  if (bytes === null || bytes.estimated === null || bytes.estimated <= 0 || bytes.read > bytes.estimated) {
    return (
      <>
        <progress aria-label={`Progress of ${subject}`} />
        {bytes !== null && <small class="muted">{formatBytes(bytes.read)}</small>}
      </>
    );
  }
  return (
    <>
      <progress max={bytes.estimated} value={bytes.read} aria-label={`Progress of ${subject}`} />
      <small class="muted">
        {formatBytes(bytes.read)} of about {formatBytes(bytes.estimated)}
      </small>
    </>
  );
}

function statusOf(running: readonly RunningItem[]): string {
  return running.map(({ subject, step }) => (step === null ? subject : `${subject}: ${step}`)).join(', ');
}
