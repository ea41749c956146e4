import { PostButton } from '../parts/form.tsx';
import { useReader } from '../parts/reader.ts';
import type { Frame, Section } from './frame.ts';
import { filteredPage, keptOf, navigationFor } from './navigation.ts';
import { ThemeChoice } from './theme-choice.tsx';

/** The navigation: beside the page on a wide screen, a popover behind the Menu button on a narrow one. */
export function Sidebar({ frame, section }: { readonly frame: Frame; readonly section: Section | null }) {
  return (
    <div id="menu" class="sidebar" popover="auto">
      <nav aria-label="Main">
        <EnvironmentFilter frame={frame} section={section} />
        {navigationFor(frame.user.isAdmin).map(({ title, entries }) => (
          <section
            key={title ?? ''}
            class="menu-group"
            {...(title === null ? { 'aria-label': 'Pages' } : { 'aria-labelledby': `menu-${title}` })}
          >
            {title !== null && <h2 id={`menu-${title}`}>{title}</h2>}
            <ul>
              {entries.map((entry) => (
                <li key={entry.section} class="menu-entry">
                  <a href={entry.href} aria-current={entry.section === section ? 'page' : undefined}>
                    {entry.label}
                    <Count section={entry.section} counts={frame.counts} />
                  </a>
                </li>
              ))}
            </ul>
          </section>
        ))}
      </nav>
      <Footer frame={frame} section={section} />
    </div>
  );
}

/** The counts of the navigation anew, for an answer that changes what they count. */
export function MenuCounts({ counts, elsewhere }: Pick<Frame, 'counts' | 'elsewhere'>) {
  return (
    <>
      <Elsewhere count={elsewhere} isSwapped />
      {navigationFor(true).flatMap(({ entries }) =>
        entries.map(({ section }) => <Count key={section} section={section} counts={counts} isSwapped />),
      )}
    </>
  );
}

/** Bad news of what the filter hides. */
function Elsewhere({ count, isSwapped }: { readonly count: number; readonly isSwapped?: boolean }) {
  return (
    <span id="news-elsewhere" hx-swap-oob={isSwapped ? 'true' : undefined}>
      {count > 0 && (
        <a href="/databases?environment=all&state=unsafe">
          Elsewhere <span class="menu-count">{count}</span>
          <span class="visually-hidden"> not safe</span>
        </a>
      )}
    </span>
  );
}

function Count(props: {
  readonly section: Section;
  readonly counts: Frame['counts'];
  readonly isSwapped?: boolean;
}) {
  const { section, isSwapped } = props;
  const count = props.counts[section];
  if (count === undefined) return null;
  return (
    <span id={`news-${section}`} hx-swap-oob={isSwapped ? 'true' : undefined}>
      <BadNews section={section} count={count} />
    </span>
  );
}

/** What the count of an entry counts. */
const COUNTED: Readonly<Partial<Record<Section, string>>> = {
  databases: 'not safe',
  runs: 'uncertain',
  notifications: 'unread, of trouble',
};

/** No more are counted; there may be more. */
const MOST_COUNTED: Readonly<Partial<Record<Section, number>>> = { runs: 25, notifications: 100 };

function BadNews({ section, count }: { readonly section: Section; readonly count: number }) {
  if (count === 0) return null;
  const most = MOST_COUNTED[section];
  return (
    <span class="menu-count">
      {most !== undefined && count >= most ? `${most - 1}+` : count}
      <span class="visually-hidden"> {COUNTED[section] ?? ''}</span>
    </span>
  );
}

/** As many as a list to choose from can have; the page of the environments has them all. */
const MOST = 100;

/** Shows the page again, with what the chosen environment has: at once where a script sends it (`data-sends`), else by its button. */
function EnvironmentFilter(props: { readonly frame: Frame; readonly section: Section | null }) {
  const { environment, environments, elsewhere } = props.frame;
  const offered = environments.filter(({ id }, index) => index < MOST || id === environment?.id);
  const page = filteredPage(props.section);
  return (
    <form class="environment-filter" method="get" action={page}>
      {/* A list that is filtered without the page being loaded has these swapped, too (`FilterForm`). */}
      <span id="environment-keeps">
        {keptOf(props.frame.here, page).map(([name, value]) => (
          <input key={name} type="hidden" name={name} value={value} />
        ))}
      </span>
      {/* A browser that comes back to the page would show what was chosen on it, and not what it shows. */}
      <select name="environment" aria-label="Environment" autocomplete="off" data-sends="">
        <option value="all">All environments</option>
        {offered.map(({ id, name }) => (
          <option key={id} value={id} selected={id === environment?.id}>
            {name}
          </option>
        ))}
      </select>
      <button type="submit" class="secondary outline send-choice">
        Show
      </button>
      {environments.length > offered.length && (
        <a href="/environments">{environments.length - offered.length} more…</a>
      )}
      <Elsewhere count={elsewhere} />
    </form>
  );
}

function Footer({ frame, section }: { readonly frame: Frame; readonly section: Section | null }) {
  return (
    <footer class="whoami">
      <a href="/account" aria-current={section === 'account' ? 'page' : undefined}>
        {frame.user.name ?? frame.user.email}
      </a>
      <small>{frame.user.role}</small>
      <PostButton action="/logout" label="Sign out" kind="link" />
      <ThemeChoice here={frame.here} />
      <p class="about">
        <span title="Version">{frame.version}</span>
        {' · '}
        <a href="/help" aria-current={section === 'help' ? 'page' : undefined}>
          Help
        </a>
        {' · '}
        <a href="/docs" aria-current={section === 'api' ? 'page' : undefined}>
          API
        </a>
      </p>
      <Zone />
    </footer>
  );
}

/** Whose clock all times are told by: the browser's, where it has said so, else the installation's. */
function Zone() {
  const reader = useReader();
  return reader === null ? null : <small class="zone">Times in {reader.zone.replaceAll('_', ' ')}</small>;
}
