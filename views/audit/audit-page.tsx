import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { Ago } from '../parts/ago.tsx';
import { Badge } from '../parts/badge.tsx';
import { type Chip, Chips } from '../parts/chips.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { FilterForm, type FilterSelect } from '../parts/filter-form.tsx';
import { Table } from '../parts/table.tsx';
import { type AuditItem, AuditRow } from './audit-row.tsx';

/** Of the chain, as far as it is known without reading it. */
export interface ChainState {
  /** The newest row that is chained, and when; null while none is. */
  readonly head: { readonly number: number; readonly at: string } | null;
  /** Rows; where `isMore`, at least so many. */
  readonly waiting: number;
  readonly isMore: boolean;
  readonly pace: 'steady' | 'behind' | 'stopped';
  readonly reason: string | null;
}

export interface AuditPageProps {
  readonly frame: Frame;
  readonly items: readonly AuditItem[];
  readonly chain: ChainState;
  readonly search: string;
  readonly chips: readonly Chip[];
  readonly selects: readonly FilterSelect[];
  readonly keeps: Readonly<Record<string, string>>;
  /** Days; empty for none. */
  readonly since: string;
  readonly until: string;
  /** Something else that the list is of, such as one thing, in words, and the address of all. */
  readonly narrowed: { readonly text: string; readonly all: string } | null;
  readonly exports: { readonly csv: string; readonly jsonl: string };
  /** The newest, where these are older; those that follow. */
  readonly newest: string | null;
  readonly older: string | null;
  /** Where the page is short because so much was looked through: back to when. */
  readonly lookedBackTo: string | null;
}

const LIST = 'audit';
const COLUMNS = ['When', 'Who', 'What', 'On what', 'From where'];

/** Who did what, for admins. */
export function AuditPage(props: AuditPageProps) {
  const { frame, items } = props;
  return (
    <Page
      frame={frame}
      section="audit"
      title="Audit log"
      actions={
        <>
          <a class="button secondary outline" href={props.exports.csv} download="">
            Export CSV
          </a>
          <a class="button secondary outline" href={props.exports.jsonl} download="">
            Export JSON Lines
          </a>
        </>
      }
    >
      <Chain chain={props.chain} />
      <FilterForm
        path="/admin/audit"
        target={LIST}
        search={{ value: props.search, placeholder: 'Name, person, address, request' }}
        selects={props.selects}
        keeps={props.keeps}
      >
        <span class="day-range">
          <label class="day-field">
            From <input type="date" name="since" value={props.since} />
          </label>
          <label class="day-field">
            before <input type="date" name="until" value={props.until} /> (UTC)
          </label>
        </span>
      </FilterForm>
      <div id={LIST}>
        <Chips label="By result" chips={props.chips} />
        {props.narrowed !== null && (
          <p>
            {props.narrowed.text} <a href={props.narrowed.all}>Show all</a>
          </p>
        )}
        {items.length > 0 && (
          <Table caption="Audit log" columns={COLUMNS} dense>
            {items.map((item) => (
              <AuditRow key={item.id} item={item} />
            ))}
          </Table>
        )}
        <End {...props} />
      </div>
    </Page>
  );
}

function Chain({ chain: { head, waiting, isMore, pace, reason } }: { readonly chain: ChainState }) {
  return (
    <p class="audit-chain">
      <PaceBadge pace={pace} isEmpty={head === null} />{' '}
      {head !== null && (
        <>
          Up to row {head.number}, <Ago at={head.at} />.
        </>
      )}
      {head === null && pace !== 'stopped' && 'Nothing is chained yet.'}
      {waiting > 0 && ` ${isMore ? 'At least ' : ''}${waiting} ${waiting === 1 ? 'row waits' : 'rows wait'}.`}
      {pace === 'stopped' &&
        ` Rows are no longer chained: ${reason ?? 'the app’s log says why, if it tried at all.'}`}{' '}
      <a href="/admin/audit/verify">Verify</a>
    </p>
  );
}

function PaceBadge({ pace, isEmpty }: { readonly pace: ChainState['pace']; readonly isEmpty: boolean }) {
  if (pace === 'stopped') return <Badge tone="error" text="Not chained" />;
  if (pace === 'behind') return <Badge tone="warning" text="Catching up" />;
  return <Badge tone={isEmpty ? 'neutral' : 'success'} text="Chained" />;
}

function End({ items, newest, older, lookedBackTo }: AuditPageProps) {
  return (
    <>
      {items.length === 0 && lookedBackTo === null && (
        <EmptyState title="Nothing like that was done">
          <p>
            <a href="/admin/audit">Show all that was done</a>
          </p>
        </EmptyState>
      )}
      {lookedBackTo !== null && older !== null && (
        <p>
          Looked through all since <Ago at={lookedBackTo} />. <a href={older}>Look further back</a>
        </p>
      )}
      {(newest !== null || (older !== null && lookedBackTo === null)) && (
        <nav class="pager" aria-label="Pages">
          {newest === null ? <span /> : <a href={newest}>← Newest</a>}
          {older === null || lookedBackTo !== null ? <span /> : <a href={older}>Older →</a>}
        </nav>
      )}
    </>
  );
}
