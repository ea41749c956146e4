import { Ago } from '../parts/ago.tsx';
import { Badge } from '../parts/badge.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { formatBytes } from '../parts/format.ts';
import { type PageOfMany, Pager } from '../parts/pager.tsx';
import { Panel } from '../parts/panel.tsx';
import { Table } from '../parts/table.tsx';
import { Tile, Tiles } from '../parts/tile.tsx';
import { RetentionCalendar, type RetentionDay } from './calendar.tsx';

export interface PlannedItem {
  readonly id: string;
  readonly createdAt: string;
  readonly size: number;
  readonly stays: boolean;
  /** In words. */
  readonly rule: string;
  /** How long it stays, such as `until 2026-02-25`; null for what goes. */
  readonly kept: string | null;
  /** Why it could not be removed the last time. */
  readonly error: string | null;
}

export interface PreviewProps {
  /** What these are the backups of, in the address: `/databases/ID/retention`. */
  readonly path: string;
  /** One page of them, newest first. */
  readonly items: readonly PlannedItem[];
  readonly page: PageOfMany;
  /** False where what is shown was typed and has no address: then only the first are shown. */
  readonly hasAddress: boolean;
  readonly stay: { readonly count: number; readonly bytes: number };
  readonly go: { readonly count: number; readonly bytes: number };
  readonly days: readonly RetentionDay[];
  readonly cappedButUnreachable: boolean;
}

/** How many stay and go, with their bytes and days. */
export function RetentionSummary(props: PreviewProps) {
  const { page, stay, go } = props;
  if (page.total === 0) {
    return (
      <EmptyState title="There is nothing to keep yet">
        <p>As soon as there are backups, this page tells which of them stay, which go, and why.</p>
      </EmptyState>
    );
  }
  return (
    <Panel title={props.hasAddress ? 'What stays and what goes' : 'What would stay and what would go'}>
      <Tiles>
        <Tile label="Stays" figure={String(stay.count)}>
          {formatBytes(stay.bytes)}
        </Tile>
        <Tile label="Goes" figure={String(go.count)}>
          {go.count === 0 ? 'nothing is to be pruned' : `${formatBytes(go.bytes)} freed`}
        </Tile>
      </Tiles>
      {props.cappedButUnreachable && (
        <p>What must stay is larger than the cap, which can’t be reached without giving up what is needed.</p>
      )}
      <RetentionCalendar days={props.days} />
    </Panel>
  );
}

/** Each backup, and the rule that says whether it stays. */
export function RetentionList(props: PreviewProps) {
  const { items, page } = props;
  if (page.total === 0) return null;
  return (
    <Panel title="By which rule">
      <Table
        caption="Backups, and what becomes of them"
        columns={['When', 'What', { label: 'Size', isFigure: true }, 'Rule', 'Kept']}
        dense
      >
        {items.map((item) => (
          <tr key={item.id}>
            <th scope="row">
              <a href={`/backups/${item.id}`}>
                <Ago at={item.createdAt} />
              </a>
            </th>
            <td>
              {item.stays ? <Badge tone="success" text="stays" /> : <Badge tone="neutral" text="goes" />}
            </td>
            <td class="figure">{formatBytes(item.size)}</td>
            <td class="rule">
              {item.rule}
              {item.error !== null && (
                <small class="field-error">It could not be removed, which is tried again: {item.error}</small>
              )}
            </td>
            <td class="kept-until">{item.kept ?? '–'}</td>
          </tr>
        ))}
      </Table>
      {props.hasAddress ? (
        <Pager page={page} path={props.path} />
      ) : (
        page.total > items.length && (
          <p class="field-help">
            The {items.length} newest of {page.total}.
          </p>
        )
      )}
    </Panel>
  );
}
