import type { Role } from '../frame/frame.ts';
import { Tabs } from '../parts/tabs.tsx';

const ALL: readonly Role[] = ['viewer', 'operator', 'admin'];

const TABS = [
  { name: 'inbox', label: 'What happened', href: '/notifications', roles: ALL },
  { name: 'preferences', label: 'What I am told', href: '/notifications/preferences', roles: ALL },
  { name: 'report', label: 'Weekly report', href: '/notifications/report', roles: ALL },
  { name: 'webhooks', label: 'Webhooks', href: '/notifications/webhooks', roles: ['operator', 'admin'] },
  { name: 'channels', label: 'Channels', href: '/notifications/channels', roles: ['admin'] },
  { name: 'types', label: 'Types', href: '/notifications/types', roles: ['admin'] },
  { name: 'deliveries', label: 'Delivery log', href: '/notifications/deliveries', roles: ['admin'] },
] as const;

export type NotificationTab = (typeof TABS)[number]['name'];

export function NotificationTabs(props: { readonly chosen: NotificationTab; readonly role: Role }) {
  const shown = TABS.filter(({ roles }) => roles.some((role) => role === props.role));
  return (
    <Tabs
      label="Notifications"
      tabs={shown.map(({ name, label, href }) => ({ label, href, isChosen: name === props.chosen }))}
    />
  );
}
