import type { HeldBack } from '../src/backups/held-back.ts';
import type { Frame } from './frame/frame.ts';
import { Clock } from './parts/ago.tsx';
import { ACCESS_TO_STORAGE, HeldBackLink } from './parts/held-back.tsx';
import { Panel } from './parts/panel.tsx';

/** What begins by itself, together where it is due at one time by one rule. */
export type NextRunItem = NextOfDatabases | { readonly kind: 'deep-test'; readonly runAt: string };

interface NextOfDatabases {
  readonly kind: 'backup' | 'drill';
  readonly runAt: string;
  readonly count: number;
  /** Where it is one. */
  readonly database: { readonly id: string; readonly name: string; readonly environmentName: string } | null;
  /** Null: by schedules of their own. */
  readonly rule: { readonly id: string; readonly name: string } | null;
  /** Why nothing of them is stored at that time, as it is set now; null: it is. */
  readonly heldBack: HeldBack | null;
}

/** Nothing where nothing begins by itself. */
export function NextRuns(props: {
  readonly items: readonly NextRunItem[];
  readonly user: Frame['user'];
  /** Names may come again in another environment. */
  readonly showsEnvironment: boolean;
}) {
  const { items, user, showsEnvironment } = props;
  if (items.length === 0) return null;
  return (
    <Panel title="Next runs">
      <ul class="next-runs">
        {items.map((item) => (
          <li>
            <Clock at={item.runAt} />
            <span>
              {item.kind === 'deep-test' ? (
                <DeepTest isAdmin={user.isAdmin} />
              ) : (
                <OfDatabases item={item} user={user} showsEnvironment={showsEnvironment} />
              )}
            </span>
          </li>
        ))}
      </ul>
      <p>
        <a href="/schedules">All schedules</a>
      </p>
    </Panel>
  );
}

function DeepTest({ isAdmin }: { readonly isAdmin: boolean }) {
  return <>deep test of {isAdmin ? <a href="/admin/storage#capabilities">the storage</a> : 'the storage'}</>;
}

interface OfDatabasesProps {
  readonly item: NextOfDatabases;
  readonly user: Frame['user'];
  readonly showsEnvironment: boolean;
}

function OfDatabases(props: OfDatabasesProps) {
  return (
    <>
      <Which {...props} />
      <HeldBackRuns {...props} />
    </>
  );
}

/** What is named here and will not come: nothing is said of the others. */
function HeldBackRuns({ item: { heldBack: why, database, count }, user }: OfDatabasesProps) {
  if (why === null) return null;
  return (
    <small class="muted">
      {' '}
      {why === 'storage_off' ? 'will not run: ' : 'will fail: '}
      {database !== null ? (
        <HeldBackLink of={{ why, databaseId: database.id, ...database }} user={user} />
      ) : why === 'no_bucket' ? (
        'no bucket is chosen'
      ) : user.isAdmin ? (
        <a href={ACCESS_TO_STORAGE}>storage is off for {count === 1 ? 'it' : 'them'}</a>
      ) : (
        <a href="/databases?storage=off">storage is off for {count === 1 ? 'it' : 'them'}</a>
      )}
    </small>
  );
}

function Which({ item: { kind, count, database, rule }, user, showsEnvironment }: OfDatabasesProps) {
  const isDrill = kind === 'drill';
  if (database !== null) {
    const page = `/databases/${database.id}`;
    return (
      <>
        {isDrill && 'drill of '}
        <a href={isDrill ? `${page}/drills` : page}>{database.name}</a>
        {showsEnvironment && <small class="muted"> {database.environmentName}</small>}
      </>
    );
  }
  return (
    <>
      {isDrill && 'drills of '}
      {count === 1 ? '1 database' : `${count} databases`} ·{' '}
      {rule === null ? (
        'schedules of their own'
      ) : user.mayChange ? (
        <a href={`/schedules/rules/${rule.id}`}>{rule.name}</a>
      ) : (
        rule.name
      )}
    </>
  );
}
