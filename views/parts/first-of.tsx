/** The first of many, by name, and how many there are. */
export interface FirstOf {
  readonly first: readonly { readonly id: string; readonly name: string }[];
  readonly count: number;
}

/** A list that stays short enough for a dialog; `hrefOf` gives the page of each. */
export function FirstNames({
  of,
  hrefOf,
}: {
  readonly of: FirstOf;
  readonly hrefOf: (id: string) => string;
}) {
  const { first, count } = of;
  return (
    <ul class="names">
      {first.map(({ id, name }) => (
        <li key={id}>
          <a href={hrefOf(id)}>{name}</a>
        </li>
      ))}
      {count > first.length && <li>and {count - first.length} more</li>}
    </ul>
  );
}
