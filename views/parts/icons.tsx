/** Icons of one set (Lucide), drawn with the colour of the text; never without words beside them. */
const PATHS = {
  check: ['M20 6 9 17l-5-5'],
  alert: ['M12 5v9', 'M12 18.5v.01'],
  pause: ['M9 7v10', 'M15 7v10'],
  circle: ['M12 5a7 7 0 1 0 0 14a7 7 0 1 0 0-14'],
  cross: ['M18 6 6 18', 'm6 6 12 12'],
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {PATHS[name].map((d) => (
        <path key={d} d={d} />
      ))}
    </svg>
  );
}
