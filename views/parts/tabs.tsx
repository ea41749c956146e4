export interface Tab {
  readonly label: string;
  readonly href: string;
  readonly isChosen: boolean;
  readonly count?: number;
}

/** The pages of one thing. Each tab is a page of its own. */
export function Tabs({ label, tabs }: { readonly label: string; readonly tabs: readonly Tab[] }) {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map((tab) => (
        <a key={tab.href} href={tab.href} aria-current={tab.isChosen ? 'page' : undefined}>
          {tab.label}
          {tab.count !== undefined && ` ${tab.count}`}
        </a>
      ))}
    </nav>
  );
}
