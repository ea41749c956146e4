import type { Child } from 'hono/jsx';
import type { Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { Ago } from './parts/ago.tsx';
import { EmptyState } from './parts/empty-state.tsx';
import { PostButton } from './parts/form.tsx';
import { formatBytes } from './parts/format.ts';
import { Columns, Panel } from './parts/panel.tsx';
import { ProtectionBadge, type ProtectionState } from './parts/protection-badge.tsx';
import { Tile, Tiles } from './parts/tile.tsx';
import { Verdict } from './parts/verdict.tsx';

export interface OverviewProps {
  readonly frame: Frame;
  /** What stands above all. */
  readonly above?: Child;
  /** The list of a new installation's first steps, until its first good backup. */
  readonly firstSteps?: Child;
  readonly counts: Readonly<Record<ProtectionState, number>>;
  /** The database whose last good backup is the oldest; null where none has one. */
  readonly oldest: { readonly name: string; readonly age: string; readonly maxAgeHours: number } | null;
  readonly stored: { readonly bytes: number; readonly places: number };
  readonly attention: readonly AttentionItem[];
}

export interface AttentionItem {
  readonly id: string;
  readonly name: string;
  /** Null where one environment is chosen, or there is but one. */
  readonly environmentName: string | null;
  readonly state: ProtectionState;
  readonly lastGoodAt: string | null;
  /** In one line. */
  readonly cause: string | null;
}

/** Am I safe? And what is wrong, and what do I do. */
export function OverviewPage(props: OverviewProps) {
  const { frame, counts } = props;
  const total = counts.never + counts.late + counts.failing + counts.protected;
  return (
    <Page frame={frame} section="overview" title="Overview">
      {props.above}
      {props.firstSteps}
      {total === 0 && props.firstSteps === undefined && <Nothing frame={frame} />}
      {total > 0 && <Filled {...props} total={total} />}
    </Page>
  );
}

function Nothing({ frame }: { readonly frame: Frame }) {
  const mayChange = frame.user.role !== 'viewer';
  const where = frame.environment === null ? '' : ` in ${frame.environment.name}`;
  return (
    <EmptyState title={`No databases${where} yet`}>
      <p>Register a database to back it up.</p>
      {mayChange && (
        <a class="button" href="/databases/new">
          Add database
        </a>
      )}
    </EmptyState>
  );
}

function Filled(props: OverviewProps & { readonly total: number }) {
  const { frame, counts, total, oldest, stored, attention } = props;
  return (
    <>
      <OverviewVerdict counts={counts} total={total} oldest={oldest} />
      <Tiles>
        <Tile label="Protected" figure={`${counts.protected} / ${total}`} href="/databases?state=protected">
          good backup within its target
        </Tile>
        <Tile
          label="Oldest last good backup"
          figure={oldest === null ? 'none' : oldest.age}
          href="/databases?sort=last-good"
        >
          {oldest === null ? 'no good backup yet' : `${oldest.name}, target ${oldest.maxAgeHours} h`}
        </Tile>
        <Tile label="Stored" figure={formatBytes(stored.bytes)}>
          {stored.places === 1 ? 'in 1 place' : `in ${stored.places} places`}
        </Tile>
      </Tiles>
      <Columns
        main={<Attention items={attention} mayChange={frame.user.role !== 'viewer'} counts={counts} />}
        side={null}
      />
    </>
  );
}

function OverviewVerdict(props: Pick<OverviewProps, 'counts' | 'oldest'> & { readonly total: number }) {
  const { counts, total, oldest } = props;
  const unsafe = counts.never + counts.late;
  const show = (label: string, href: string) => (
    <a class="button" href={href}>
      {label}
    </a>
  );
  if (unsafe > 0) {
    const title = `${unsafe} of ${total} ${total === 1 ? 'databases is' : 'databases are'} not safe`;
    const wrong = [
      ...(counts.never > 0 ? [`${counts.never} never backed up`] : []),
      ...(counts.late > 0 ? [`${counts.late} late`] : []),
      ...(counts.failing > 0 ? [`${counts.failing} failing`] : []),
    ].join(', ');
    return (
      <Verdict tone="error" title={title} action={show('Show them', '/databases?sort=state')}>
        {wrong}. {othersThan(total - unsafe - counts.failing)}
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
        The last good backup of each is still new enough. {othersThan(counts.protected)}
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

function Attention(props: {
  readonly items: readonly AttentionItem[];
  readonly mayChange: boolean;
  readonly counts: OverviewProps['counts'];
}) {
  const { items, counts } = props;
  const bad = counts.never + counts.late + counts.failing;
  return (
    <Panel title="Needs attention">
      {items.length === 0 && <p>Nothing: every database has a good backup within its target.</p>}
      <ul class="attention">
        {items.map((item) => (
          <li key={item.id}>
            <ProtectionBadge state={item.state} />
            <div class="attention-words">
              <a href={`/databases/${item.id}`}>{item.name}</a>{' '}
              {item.environmentName !== null && <small>{item.environmentName} </small>}
              {item.lastGoodAt !== null && (
                <>
                  last good <Ago at={item.lastGoodAt} />
                </>
              )}
              {item.cause !== null && <p class="field-help">{item.cause}</p>}
            </div>
            {props.mayChange && (
              <PostButton
                action={`/databases/${item.id}/backups`}
                label={item.state === 'failing' ? 'Retry' : 'Back up now'}
                accessibleLabel={`Back up ${item.name} now`}
                kind="link"
              />
            )}
          </li>
        ))}
      </ul>
      {bad > items.length && (
        <p>
          <a href="/databases?sort=state">All {bad} that need attention</a>
        </p>
      )}
    </Panel>
  );
}
