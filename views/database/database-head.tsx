import type { Child } from 'hono/jsx';
import type { BriefSchedule } from '../../src/schedules/schedules.ts';
import type { EnvironmentChoice, Frame, Rights } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { PostButton } from '../parts/form.tsx';
import { HeldBackLink } from '../parts/held-back.tsx';
import { MoreMenu } from '../parts/more-menu.tsx';
import { Notice } from '../parts/notice.tsx';
import { ProtectionBadge } from '../parts/protection-badge.tsx';
import { FreezeNotice } from '../retention/freeze-notice.tsx';
import { ProtectionBanner, type ProtectionOfDatabase } from './protection-banner.tsx';
import { type DatabaseTab, DatabaseTabs } from './tabs.tsx';

export interface DatabaseSummary {
  readonly id: string;
  readonly name: string;
  readonly typeName: string;
  /** Of its server, where a good backup has told it. */
  readonly version: string | null;
  readonly environment: EnvironmentChoice;
  /** Null: the machine that the app runs on. */
  readonly server: { readonly id: string; readonly name: string } | null;
  /** What is dumped: a file, or a database on a host. */
  readonly source: string;
  /** Where backups go: a bucket, or a folder of the server. */
  readonly destination: { readonly bucket: string | null; readonly folder: string | null };
  /** What backs it up by itself; null where nothing does. */
  readonly schedule: BriefSchedule | null;
  /** Such as `7 days, 4 weeks and 6 months`. */
  readonly keeps: string;
  readonly protection: ProtectionOfDatabase;
  /** What is allowed about its bucket and prefix, but seldom meant. */
  readonly warnings: readonly string[];
  readonly backups: number;
  /** Since when and why nothing of it is pruned; null while pruning goes on. */
  readonly freeze: { readonly since: string; readonly reason: string } | null;
}

/** A page of one database: its name and state, what it is in a sentence, whether it is safe, and the tab. */
export function DatabaseFrame(props: {
  readonly frame: Frame;
  readonly database: DatabaseSummary;
  readonly tab: DatabaseTab;
  /** Between the sentence and the tabs. */
  readonly above?: Child;
  readonly children?: Child;
}) {
  const { frame, database } = props;
  const { mayChange } = frame.user;
  return (
    <Page
      frame={frame}
      section="databases"
      title={database.name}
      back={{ href: '/databases', label: 'Databases' }}
      within={database.environment.name}
      state={<StateOfDatabase protection={database.protection} />}
      actions={mayChange ? <Actions database={database} /> : undefined}
    >
      <Sentence database={database} user={frame.user} />
      <ProtectionBanner databaseId={database.id} protection={database.protection} user={frame.user} />
      {mayChange &&
        database.warnings.map((warning) => (
          <Notice key={warning} tone="warning">
            {warning}
          </Notice>
        ))}
      {database.freeze !== null && (
        <FreezeNotice databaseId={database.id} freeze={database.freeze} mayChange={mayChange} />
      )}
      {props.above}
      <DatabaseTabs databaseId={database.id} chosen={props.tab} backups={database.backups} />
      {props.children}
    </Page>
  );
}

/** What of the head a run's end changes: its state, and whether there is something to restore. For who asks for a part. */
export function HeadAnew(props: { readonly protection: ProtectionOfDatabase; readonly mayChange: boolean }) {
  return (
    <>
      <StateOfDatabase protection={props.protection} isSwapped />
      {props.mayChange && <RestoreLink protection={props.protection} isSwapped />}
    </>
  );
}

interface PartOfHead {
  readonly protection: ProtectionOfDatabase;
  readonly isSwapped?: boolean;
}

function StateOfDatabase({ protection, isSwapped }: PartOfHead) {
  return (
    <span id="database-state" hx-swap-oob={isSwapped ? 'true' : undefined}>
      <ProtectionBadge state={protection.state} />
    </span>
  );
}

function RestoreLink({ protection: { lastGoodId }, isSwapped }: PartOfHead) {
  return (
    <span id="database-restore" hx-swap-oob={isSwapped ? 'true' : undefined}>
      {lastGoodId !== null && (
        <a id="restore" class="button outline" href={`/backups/${lastGoodId}/restore`}>
          Restore…
        </a>
      )}
    </span>
  );
}

function Actions({ database: { id, name, protection } }: { readonly database: DatabaseSummary }) {
  const isPaused = protection.state === 'paused';
  return (
    <>
      <PostButton action={`/databases/${id}/backups`} label="Back up now" kind="primary" />
      <RestoreLink protection={protection} />
      <MoreMenu label={`More for ${name}`}>
        <a href={`/databases/${id}/edit`}>Edit</a>
        <a href={`/databases/selected/${isPaused ? 'resume' : 'pause'}?id=${id}&from=page`}>
          {isPaused ? 'Resume…' : 'Pause…'}
        </a>
        <a href={`/databases/${id}/duplicate`}>Duplicate</a>
        <a href={`/databases/${id}/settings?delete`}>Delete…</a>
      </MoreMenu>
    </>
  );
}

/** `PostgreSQL 16.4 on db2 · shop → bucket backups · at 02:00, every day · keeps 7 days and 4 weeks`. */
function Sentence({ database, user }: { readonly database: DatabaseSummary; readonly user: Rights }) {
  const { id, server, destination } = database;
  return (
    <p class="sentence">
      {[database.typeName, ...(database.version === null ? [] : [database.version])].join(' ')} on{' '}
      {server === null ? (
        'the machine that BRIDGEPORT runs on'
      ) : (
        <a href={`/servers/${server.id}`}>{server.name}</a>
      )}
      {' · '}
      <code>{database.source}</code>
      {' → '}
      {destination.bucket !== null &&
        (user.isAdmin ? (
          <a href="/admin/storage">bucket {destination.bucket}</a>
        ) : (
          `bucket ${destination.bucket}`
        ))}
      {destination.bucket === null && (
        <>
          {destination.folder === null ? 'no bucket chosen' : 'its own disk, '}
          {destination.folder !== null && <code>{destination.folder}</code>}
        </>
      )}
      {' · '}
      <a href={`/databases/${id}/schedule`}>{timesOf(database.schedule)}</a>
      <HeldBack database={database} user={user} />
      {' · keeps '}
      <a href={`/databases/${id}/retention`}>{database.keeps}</a>
    </p>
  );
}

/** Of a schedule that goes on, and makes nothing. */
function HeldBack({ database, user }: { readonly database: DatabaseSummary; readonly user: Rights }) {
  const { id: databaseId, environment, schedule } = database;
  if (schedule === null || schedule.heldBack === null) return null;
  if (!schedule.enabled || schedule.pausedReason !== null) return null;
  const of = { why: schedule.heldBack, databaseId, environmentName: environment.name };
  return (
    <>
      , but <HeldBackLink of={of} user={user} />
    </>
  );
}

/** When it begins by itself, as part of a sentence. */
function timesOf(schedule: BriefSchedule | null): string {
  if (schedule === null) return 'no schedule';
  const times = `${schedule.words.charAt(0).toLowerCase()}${schedule.words.slice(1)}`;
  if (!schedule.enabled) return `${times}, switched off`;
  return schedule.pausedReason === null ? times : `${times}, paused`;
}
