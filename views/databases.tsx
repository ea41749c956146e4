import type { HeldBack } from '../src/backups/held-back.ts';
import type { EnvironmentChoice, Frame, Rights } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { Ago, Due } from './parts/ago.tsx';
import type { ChartDay } from './parts/charts/day-cells.ts';
import { STRIP_DAYS, Strip, StripPatterns } from './parts/charts/strip.tsx';
import { type Chip, Chips } from './parts/chips.tsx';
import { EmptyState } from './parts/empty-state.tsx';
import { FilterForm, type FilterSelect } from './parts/filter-form.tsx';
import { formatBytes } from './parts/format.ts';
import { HeldBackLink } from './parts/held-back.tsx';
import { type PageOfMany, Pager, pagePath } from './parts/pager.tsx';
import { ProtectionBadge, type ProtectionState } from './parts/protection-badge.tsx';
import { rowId } from './parts/row-id.ts';
import { SizeChange } from './parts/size-change.tsx';
import { ACTIONS, type Column, SELECT, Table } from './parts/table.tsx';
import { Running, type RunningProps } from './running.tsx';
import type { SelectedAction } from './selected-databases.tsx';

export interface DatabaseItem {
  readonly id: string;
  readonly name: string;
  readonly environmentName: string;
  readonly typeName: string;
  readonly state: ProtectionState;
  readonly lastGoodAt: string | null;
  /** Null where nothing begins by itself. */
  readonly nextRunAt: string | null;
  /** Why nothing begins although its schedule says so; null where nothing is in the way. */
  readonly heldBack: HeldBack | null;
  /** Bytes of the last good backup. */
  readonly size: number | null;
  /** By how much that differs from what is usual, as a share; null where it is no news. */
  readonly sizeChange: number | null;
  /** The last days. */
  readonly days: readonly ChartDay[];
}

export interface DatabasesProps {
  readonly frame: Frame;
  /** What goes on, above the list. */
  readonly running: RunningProps;
  readonly databases: readonly DatabaseItem[];
  readonly page: PageOfMany;
  /** The address of this list as it is filtered and sorted, without its page. */
  readonly path: string;
  readonly chips: readonly Chip[];
  readonly search: string;
  readonly selects: readonly FilterSelect[];
  /** What the filter's form must keep of the address. */
  readonly keeps: Readonly<Record<string, string>>;
  /** By column: how the address would sort by it. */
  readonly sorts: Readonly<Record<SortedColumn, NonNullable<Column['sort']>>>;
  /** Databases there are at all, of the chosen environment. */
  readonly known: number;
}

export type SortedColumn = 'state' | 'name' | 'engine' | 'last-good' | 'size';

const LIST = 'databases';

export function DatabasesPage(props: DatabasesProps) {
  const { frame } = props;
  const { mayChange } = frame.user;
  const create = (
    <a class="button" href="/databases/new">
      Add database
    </a>
  );
  return (
    <Page
      frame={frame}
      section="databases"
      title="Databases"
      actions={mayChange && props.known > 0 ? create : undefined}
    >
      {props.known === 0 ? (
        <EmptyState title={nothingIn(frame.environment)}>
          <p>Register a database to back it up.</p>
          {mayChange && create}
        </EmptyState>
      ) : (
        <>
          <section class="running-now" aria-label="Running now">
            <Running {...props.running} />
          </section>
          <FilterForm
            path="/databases"
            target={LIST}
            search={{ value: props.search, placeholder: 'Search name, environment, server, file' }}
            selects={props.selects}
            keeps={props.keeps}
          />
          <List {...props} mayChange={mayChange} />
        </>
      )}
    </Page>
  );
}

function nothingIn(environment: EnvironmentChoice | null): string {
  return environment === null ? 'No databases yet' : `No databases in ${environment.name} yet`;
}

function List(props: DatabasesProps & { readonly mayChange: boolean }) {
  const { databases, sorts, mayChange, page } = props;
  const here = page.offset === 0 ? props.path : pagePath(props.path, page.offset);
  const columns: readonly (string | Column)[] = [
    ...(mayChange ? [SELECT] : []),
    { label: 'State', sort: sorts.state },
    { label: 'Database', sort: sorts.name },
    { label: 'Engine', sort: sorts.engine },
    `Last ${STRIP_DAYS} days`,
    { label: 'Last good', sort: sorts['last-good'] },
    { label: 'Size', isFigure: true, sort: sorts.size },
    'Next run',
    ...(mayChange ? [ACTIONS] : []),
  ];
  return (
    <div
      id={LIST}
      hx-get={here}
      hx-trigger="backups-changed from:body"
      hx-select={`#${LIST}`}
      hx-swap="outerMorph"
    >
      {databases.length === 0 && <Chips label="By state" chips={props.chips} />}
      {databases.length === 0 ? (
        <EmptyState title="None of the databases is like that">
          <p>
            <a href="/databases">Show all {props.known}</a>
          </p>
        </EmptyState>
      ) : (
        <>
          <StripPatterns />
          {/* One form for the boxes and the buttons of all rows. */}
          <form class="selection" method="post" action="/databases/back-up">
            <input type="hidden" name="back" value={here} />
            <div class="list-bar">
              <Chips label="By state" chips={props.chips} />
              {mayChange && <SelectionBar />}
            </div>
            <Table caption="Databases" columns={columns} dense>
              {databases.map((database) => (
                <Row key={database.id} database={database} user={props.frame.user} />
              ))}
            </Table>
          </form>
          <p class="chart-note">
            A strip has a mark for each day by UTC, oldest first: whole where all was good, half where some
            failed or none came though one was due, with a cross where all failed.
          </p>
          <Pager page={props.page} path={props.path} />
        </>
      )}
    </div>
  );
}

function NextRun({ database, user }: { readonly database: DatabaseItem; readonly user: Rights }) {
  const { id: databaseId, nextRunAt, heldBack: why } = database;
  if (nextRunAt !== null) return <Due at={nextRunAt} />;
  if (why !== null) return <HeldBackLink of={{ why, databaseId, environmentName: null }} user={user} />;
  return <>{database.state === 'paused' ? 'paused' : 'none'}</>;
}

/** The buttons for the ticked rows: but for backing up, each leads to a page that asks. */
function SelectionBar() {
  return (
    <div class="selection">
      <button type="submit" class="secondary outline">
        Back up the selected
      </button>
      {SELECTED.map(([action, label]) => (
        <button
          key={action}
          type="submit"
          class="secondary outline"
          formmethod="get"
          formaction={`/databases/selected/${action}`}
        >
          {label}
        </button>
      ))}
    </div>
  );
}

const SELECTED: readonly (readonly [SelectedAction, string])[] = [
  ['pause', 'Pause…'],
  ['resume', 'Resume…'],
  ['schedule', 'Change schedule…'],
  ['retention', 'Change retention…'],
  ['read', 'Read in full…'],
];

function Row({ database, user }: { readonly database: DatabaseItem; readonly user: Rights }) {
  const { id, name } = database;
  const { mayChange } = user;
  return (
    <tr id={rowId(id)}>
      {mayChange && (
        <td class="select">
          <input type="checkbox" name="id" value={id} aria-label={`Select ${name}`} />
        </td>
      )}
      <td class="state">
        <ProtectionBadge state={database.state} />
      </td>
      <th scope="row">
        <a href={`/databases/${id}`}>{name}</a> <small>{database.environmentName}</small>
      </th>
      <td class="engine">{database.typeName}</td>
      <td>
        <Strip days={database.days} />
      </td>
      <td class="last-good">
        <Ago at={database.lastGoodAt} none="never" />
      </td>
      <td class="figure">
        {database.size === null ? '–' : formatBytes(database.size)}
        {database.sizeChange !== null && <SizeChange change={database.sizeChange} />}
      </td>
      <td class="next-run">
        <NextRun database={database} user={user} />
      </td>
      {mayChange && (
        <td class="row-action">
          {/* biome-ignore lint/a11y/useButtonType: it sends its form, as buttons do; a list has fifty. */}
          <button name="only" value={id} aria-label={`Back up ${name}`}>
            Back up
          </button>
        </td>
      )}
    </tr>
  );
}
