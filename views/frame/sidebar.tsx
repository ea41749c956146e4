import { PostButton } from '../parts/form.tsx';
import type { Frame, Section } from './frame.ts';

interface Entry {
  readonly section: Section;
  readonly label: string;
  readonly href: string;
}

/** The navigation: beside the page on a wide screen, a popover behind the Menu button on a narrow one. */
export function Sidebar({ frame, section }: { readonly frame: Frame; readonly section: Section | null }) {
  return (
    <div id="menu" class="sidebar" popover="auto">
      <nav aria-label="Main">
        <EnvironmentSelector frame={frame} section={section} />
        {groupsFor(frame).map((group) => (
          <section key={group.title} class="menu-group" aria-labelledby={`menu-${group.title}`}>
            <h2 id={`menu-${group.title}`}>{group.title}</h2>
            <ul>
              {group.entries.map((entry) => (
                <li key={entry.section} class="menu-entry">
                  <a href={entry.href} aria-current={entry.section === section ? 'page' : undefined}>
                    {entry.label}
                  </a>
                </li>
              ))}
            </ul>
          </section>
        ))}
      </nav>
      <div class="whoami">
        <a href="/account" aria-current={section === 'account' ? 'page' : undefined}>
          {frame.user.name ?? frame.user.email}
        </a>
        <small>{frame.user.role}</small>
        <PostButton action="/logout" label="Sign out" kind="link" />
      </div>
    </div>
  );
}

function EnvironmentSelector({
  frame,
  section,
}: {
  readonly frame: Frame;
  readonly section: Section | null;
}) {
  const page =
    section === 'servers' ? 'servers' : section === 'environment-settings' ? 'settings' : 'databases';
  return (
    <details class="dropdown environment-selector">
      <summary>
        <span class="visually-hidden">Environment: </span>
        <span class="environment-name">{frame.environment?.name ?? 'No environment'}</span>
      </summary>
      <ul>
        {frame.environments.map((environment) => (
          <li key={environment.id}>
            <a
              href={`/environments/${environment.id}/${page}`}
              aria-current={environment.id === frame.environment?.id ? 'true' : undefined}
            >
              {environment.name}
            </a>
          </li>
        ))}
        <li>
          <a href="/environments">All environments…</a>
        </li>
      </ul>
    </details>
  );
}

function groupsFor({ environment, user }: Frame): readonly { title: string; entries: readonly Entry[] }[] {
  const inEnvironment = (path: string) =>
    environment === null ? '/environments' : `/environments/${environment.id}/${path}`;
  return [
    {
      title: 'Operations',
      entries: [
        { section: 'databases', label: 'Databases', href: inEnvironment('databases') },
        { section: 'servers', label: 'Servers', href: inEnvironment('servers') },
      ],
    },
    {
      title: 'Configuration',
      entries: [
        { section: 'environment-settings', label: 'Environment settings', href: inEnvironment('settings') },
        { section: 'environments', label: 'Environments', href: '/environments' },
      ],
    },
    ...(user.role === 'admin'
      ? [
          {
            title: 'Admin',
            entries: [
              { section: 'storage', label: 'Storage', href: '/admin/storage' },
              { section: 'users', label: 'Users', href: '/admin/users' },
            ] as const,
          },
        ]
      : []),
  ];
}
