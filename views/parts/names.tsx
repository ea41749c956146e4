const MOST_NAMES = 15;

/** A list that stays short enough for a dialog. */
export function Names({ names }: { readonly names: readonly string[] }) {
  return (
    <ul class="names">
      {names.slice(0, MOST_NAMES).map((name) => (
        <li key={name}>{name}</li>
      ))}
      {names.length > MOST_NAMES && <li>and {names.length - MOST_NAMES} more</li>}
    </ul>
  );
}
