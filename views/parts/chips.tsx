export interface Chip {
  readonly label: string;
  readonly count?: number;
  readonly href: string;
  readonly isChosen: boolean;
}

/** Links that filter a list, each with how many it would show. */
export function Chips({ label, chips }: { readonly label: string; readonly chips: readonly Chip[] }) {
  return (
    <nav class="chips" aria-label={label}>
      {chips.map((chip) => (
        <a key={chip.label} class="chip" href={chip.href} aria-current={chip.isChosen ? 'true' : undefined}>
          {chip.label}
          {chip.count !== undefined && <span class="chip-count"> {chip.count}</span>}
        </a>
      ))}
    </nav>
  );
}
