import type { Frame } from '../frame/frame.ts';
import { EmptyState } from '../parts/empty-state.tsx';
import { FilterForm } from '../parts/filter-form.tsx';
import type { RouteGroup, RouteLine } from './reference.ts';
import { RouteTable } from './route-table.tsx';
import { ReferenceShell } from './shell.tsx';

const LIST = 'routes';

/** What the API is, its routes by what they are about, and those that a search finds. */
export function ReferenceIndexPage(props: {
  readonly frame: Frame | null;
  readonly groups: readonly RouteGroup[];
  readonly question: string;
  /** Null: nothing is searched for. */
  readonly found: { readonly routes: readonly RouteLine[]; readonly isMore: boolean } | null;
}) {
  const { frame, groups, question, found } = props;
  return (
    <ReferenceShell frame={frame} title="API">
      <p>
        All that the pages do, for programs: JSON over HTTP under <code>/api</code>, by a bearer token. Each
        route can be tried on its page. <a href="/docs/conventions">What holds for all routes</a> ·{' '}
        <a href="/openapi.json">OpenAPI</a>
      </p>
      <FilterForm
        path="/docs"
        target={LIST}
        search={{ value: question, placeholder: 'Path, words, fields' }}
        selects={[]}
        keeps={{}}
      />
      <div id={LIST}>
        {found === null ? <All groups={groups} /> : <Found question={question} {...found} />}
      </div>
    </ReferenceShell>
  );
}

function All({ groups }: { readonly groups: readonly RouteGroup[] }) {
  return (
    <>
      <nav class="chips" aria-label="Resources">
        {groups.map(({ name, title, routes }) => (
          <a key={name} class="chip" href={`/docs#${name}`}>
            {title}
            <span class="chip-count"> {routes.length}</span>
          </a>
        ))}
      </nav>
      {groups.map(({ name, title, routes }) => (
        <section key={name} aria-labelledby={name}>
          <h2 id={name}>{title}</h2>
          <RouteTable caption={`Routes: ${title}`} routes={routes} />
        </section>
      ))}
    </>
  );
}

function Found(props: {
  readonly question: string;
  readonly routes: readonly RouteLine[];
  readonly isMore: boolean;
}) {
  const { question, routes, isMore } = props;
  if (routes.length === 0) {
    return (
      <EmptyState title={`No route has “${question}” in its path, its words or its fields.`}>
        <p>
          <a href="/docs">Show all</a>
        </p>
      </EmptyState>
    );
  }
  return (
    <>
      <p role="status">
        {isMore
          ? `The first ${routes.length} routes`
          : routes.length === 1
            ? 'One route'
            : `${routes.length} routes`}{' '}
        with “{question}”. <a href="/docs">Show all</a>
      </p>
      <RouteTable caption="Routes found" routes={routes} />
    </>
  );
}
