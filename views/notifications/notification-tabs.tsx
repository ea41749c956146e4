import { Tabs } from '../parts/tabs.tsx';

const TABS = [
  { name: 'inbox', label: 'What happened', href: '/notifications', isForAdmins: false },
  { name: 'preferences', label: 'What I am told', href: '/notifications/preferences', isForAdmins: false },
  { name: 'channels', label: 'Channels', href: '/notifications/channels', isForAdmins: true },
  { name: 'deliveries', label: 'Delivery log', href: '/notifications/deliveries', isForAdmins: true },
] as const;

export type NotificationTab = (typeof TABS)[number]['name'];

export function NotificationTabs(props: { readonly chosen: NotificationTab; readonly isAdmin: boolean }) {
  const shown = TABS.filter(({ isForAdmins }) => props.isAdmin || !isForAdmins);
  return (
    <Tabs
      label="Notifications"
      tabs={shown.map(({ name, label, href }) => ({ label, href, isChosen: name === props.chosen }))}
    />
  );
}
