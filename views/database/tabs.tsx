import { type Tab, Tabs } from '../parts/tabs.tsx';

/** The pages of one database, in their order; a page of it is one line more. */
const TABS = [
  { id: 'backups', label: 'Backups', path: '' },
  { id: 'schedule', label: 'Schedule', path: '/schedule' },
  { id: 'retention', label: 'Retention', path: '/retention' },
  { id: 'drills', label: 'Drills', path: '/drills' },
  { id: 'settings', label: 'Settings', path: '/settings' },
] as const;

export type DatabaseTab = (typeof TABS)[number]['id'];

export function DatabaseTabs(props: {
  readonly databaseId: string;
  readonly chosen: DatabaseTab;
  readonly backups: number;
}) {
  const tabs = TABS.map(
    ({ id, label, path }): Tab => ({
      label,
      href: `/databases/${props.databaseId}${path}`,
      isChosen: id === props.chosen,
      ...(id === 'backups' ? { count: props.backups } : {}),
    }),
  );
  return <Tabs label="Pages of this database" tabs={tabs} />;
}
