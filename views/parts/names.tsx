import { Group } from './group.tsx';

const MOST_NAMES = 15;

/** A list that stays short enough for a dialog; a longer one is scrolled, by keyboard too. */
export function Names({ of, names }: { readonly of: string; readonly names: readonly string[] }) {
  return (
    <Group class="names" label={of} isScrolled>
      <ul>
        {names.slice(0, MOST_NAMES).map((name) => (
          <li key={name}>{name}</li>
        ))}
        {names.length > MOST_NAMES && <li>and {names.length - MOST_NAMES} more</li>}
      </ul>
    </Group>
  );
}
