import { Ago } from './parts/ago.tsx';
import { Badge } from './parts/badge.tsx';
import { PostButton } from './parts/form.tsx';
import { Panel } from './parts/panel.tsx';
import { ProtectionBadge, type ProtectionState } from './parts/protection-badge.tsx';

/** A drill that failed, and none that went well has come since. */
export interface FailedDrillItem {
  /** Of the database. */
  readonly id: string;
  readonly name: string;
  readonly environmentName: string | null;
  /** Its last good backup, which a drill can be made of; null: there is none. */
  readonly lastGoodId: string | null;
  readonly at: string;
  /** It says something of the backup. */
  readonly isDamaged: boolean;
  /** One line. */
  readonly cause: string;
}

export interface AttentionItem {
  readonly id: string;
  readonly name: string;
  /** Null where one environment is chosen, or there is but one. */
  readonly environmentName: string | null;
  readonly state: ProtectionState;
  readonly lastGoodAt: string | null;
  /** When a drill last proved that it comes back. */
  readonly restorableAt: string | null;
  /** In one line. */
  readonly cause: string;
}

export interface AttentionProps {
  /** The worst first. */
  readonly items: readonly (AttentionItem | FailedDrillItem)[];
  readonly mayChange: boolean;
  readonly counts: Readonly<Record<ProtectionState, number>>;
}

/** What is not protected, and drills that failed. */
export function Attention({ items, mayChange, counts }: AttentionProps) {
  const bad = counts.never + counts.late + counts.failing + counts.paused;
  const shown = items.filter((item) => 'state' in item).length;
  return (
    <Panel title="Needs attention">
      {items.length === 0 && <p>Nothing: every database has a good backup within its target.</p>}
      <ul class="attention">
        {items.map((item) =>
          'state' in item ? (
            <DatabaseLine key={item.id} item={item} mayChange={mayChange} />
          ) : (
            <DrillLine key={`drill-${item.id}`} drill={item} mayChange={mayChange} />
          ),
        )}
      </ul>
      {shown < items.length && (
        <p>
          <a href="/drills?state=failed">All drills that failed</a>
        </p>
      )}
      {bad > shown && (
        <p>
          <a href="/databases?sort=state">All {bad} databases that need attention</a>
        </p>
      )}
    </Panel>
  );
}

function DatabaseLine({ item, mayChange }: { readonly item: AttentionItem; readonly mayChange: boolean }) {
  return (
    <li id={`attention-${item.id}`}>
      <ProtectionBadge state={item.state} />
      <div class="attention-words">
        <a href={`/databases/${item.id}`}>{item.name}</a>{' '}
        {item.environmentName !== null && <small>{item.environmentName} </small>}
        {item.lastGoodAt !== null && (
          <>
            last good <Ago at={item.lastGoodAt} />
          </>
        )}
        {item.restorableAt !== null && (
          <>
            {' '}
            · proven restorable <Ago at={item.restorableAt} />
          </>
        )}
        <p class="field-help">{item.cause}</p>
      </div>
      {mayChange && <WhatToDo item={item} />}
    </li>
  );
}

function DrillLine({ drill, mayChange }: { readonly drill: FailedDrillItem; readonly mayChange: boolean }) {
  return (
    <li id={`attention-drill-${drill.id}`}>
      <Badge tone={drill.isDamaged ? 'error' : 'warning'} text="drill failed" />
      <div class="attention-words">
        <a href={`/databases/${drill.id}/drills`}>{drill.name}</a>{' '}
        {drill.environmentName !== null && <small>{drill.environmentName} </small>}
        <Ago at={drill.at} />
        <p class="field-help">{drill.cause}</p>
      </div>
      {mayChange && drill.lastGoodId !== null && (
        <PostButton
          action={`/backups/${drill.lastGoodId}/drill`}
          label="Retry the drill"
          accessibleLabel={`Retry the drill of ${drill.name}`}
          kind="link"
        />
      )}
    </li>
  );
}

/** A backup made by hand does not end a pause: that is asked for by itself. */
function WhatToDo({ item: { id, name, state } }: { readonly item: AttentionItem }) {
  if (state === 'paused') {
    return (
      <a href={`/databases/selected/resume?id=${id}&from=page`} aria-label={`Resume ${name}…`}>
        Resume…
      </a>
    );
  }
  const label = state === 'failing' ? 'Retry' : 'Back up now';
  const accessibleLabel = state === 'failing' ? `Retry ${name}` : `Back up now: ${name}`;
  return <PostButton action={`/databases/${id}/backups`} kind="link" {...{ label, accessibleLabel }} />;
}
