import type { Rights } from '../frame/frame.ts';
import { Tabs } from '../parts/tabs.tsx';

const TABS = [
  { name: 'inbox', label: 'What happened', href: '/notifications', needs: null },
  { name: 'preferences', label: 'What I am told', href: '/notifications/preferences', needs: null },
  { name: 'report', label: 'Weekly report', href: '/notifications/report', needs: null },
  { name: 'webhooks', label: 'Webhooks', href: '/notifications/webhooks', needs: 'mayChange' },
  { name: 'channels', label: 'Channels', href: '/notifications/channels', needs: 'isAdmin' },
  { name: 'types', label: 'Types', href: '/notifications/types', needs: 'isAdmin' },
  { name: 'deliveries', label: 'Delivery log', href: '/notifications/deliveries', needs: 'isAdmin' },
] as const;

export type NotificationTab = (typeof TABS)[number]['name'];

export function NotificationTabs(props: { readonly chosen: NotificationTab; readonly user: Rights }) {
  const shown = TABS.filter(({ needs }) => needs === null || props.user[needs]);
  return (
    <Tabs
      label="Notifications"
      tabs={shown.map(({ name, label, href }) => ({ label, href, isChosen: name === props.chosen }))}
    />
  );
}
