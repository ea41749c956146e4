/** The navigation, in its order: a page that is built gets a line here, and no other. */
const ENTRIES = [
  { section: 'overview', group: null, label: 'Overview', href: '/' },
  { section: 'databases', group: null, label: 'Databases', href: '/databases' },
  { section: 'runs', group: null, label: 'Runs', href: '/runs' },
  { section: 'schedules', group: null, label: 'Schedules', href: '/schedules' },
  { section: 'drills', group: null, label: 'Drills', href: '/drills' },
  { section: 'servers', group: 'Configuration', label: 'Servers', href: '/servers' },
  { section: 'environments', group: 'Configuration', label: 'Environments', href: '/environments' },
  { section: 'notifications', group: 'Configuration', label: 'Notifications', href: '/notifications' },
  { section: 'storage', group: 'Admin', label: 'Storage', href: '/admin/storage' },
  { section: 'users', group: 'Admin', label: 'Users & tokens', href: '/admin/users' },
  { section: 'audit', group: 'Admin', label: 'Audit log', href: '/admin/audit' },
  { section: 'system', group: 'Admin', label: 'System', href: '/admin/system' },
] as const;

/** Which entry a page belongs to; `account`, `help` and `api` are in the sidebar's footer. */
export type Section = (typeof ENTRIES)[number]['section'] | 'account' | 'help' | 'api';

export interface Entry {
  readonly section: Section;
  readonly label: string;
  readonly href: string;
}

export interface Group {
  /** Null: what everybody looks at first, without a heading. */
  readonly title: string | null;
  readonly entries: readonly Entry[];
}

/** What that person may open, by group. */
export function navigationFor(isAdmin: boolean): readonly Group[] {
  const titles = [null, 'Configuration', ...(isAdmin ? ['Admin'] : [])];
  return titles.map((title) => ({ title, entries: ENTRIES.filter(({ group }) => group === title) }));
}

/** Pages that show what the chosen environment has; elsewhere the choice leads to the first of them. */
const FILTERED: readonly Section[] = ['overview', 'databases', 'runs', 'schedules', 'drills', 'servers'];

/** The page that shows the environment of that choice. */
export function filteredPage(section: Section | null): string {
  const entry = ENTRIES.find((one) => one.section === section);
  return entry !== undefined && FILTERED.includes(entry.section) ? entry.href : '/';
}

/** What lists are searched, filtered and sorted by. Another environment has other pages of them, and other rows to ask about. */
const KEPT: readonly string[] = ['q', 'state', 'kind', 'by', 'day', 'engine', 'storage', 'sort'];

/** What of the address `here` stays when another environment is chosen on the page; nothing of another page's. */
export function keptOf(here: string, page: string): readonly (readonly [string, string])[] {
  const [path, query = ''] = here.split('?');
  if (path !== page) return [];
  return KEPT.flatMap((name) => {
    const value = new URLSearchParams(query).get(name);
    return value ? [[name, value] as const] : [];
  });
}
