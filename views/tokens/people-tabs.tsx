import { Tabs } from '../parts/tabs.tsx';

const TABS = [
  { name: 'users', label: 'Users', href: '/admin/users' },
  { name: 'tokens', label: 'API tokens', href: '/admin/tokens' },
  { name: 'accounts', label: 'Service accounts', href: '/admin/service-accounts' },
] as const;

/** Who may come in: people, and what signs in for them or by itself. */
export function PeopleTabs({ chosen }: { readonly chosen: (typeof TABS)[number]['name'] }) {
  return (
    <Tabs
      label="Users and tokens"
      tabs={TABS.map(({ name, label, href }) => ({ label, href, isChosen: name === chosen }))}
    />
  );
}
