import { type Theme, useReader } from '../parts/reader.ts';

const THEMES: Readonly<Record<Theme, string>> = { auto: 'Auto', light: 'Light', dark: 'Dark' };

/** With a script it is answered by itself, and the page takes its looks from it: what was typed into a form beside it stays. */
export function ThemeChoice({ here }: { readonly here: string }) {
  const chosen = useReader()?.theme ?? 'auto';
  return (
    <form
      method="post"
      action="/theme"
      hx-post="/theme"
      hx-swap="outerMorph"
      class="theme-choice"
      aria-label="Theme"
    >
      <input type="hidden" name="back" value={here} />
      {Object.entries(THEMES).map(([theme, label]) => (
        <button
          key={theme}
          type="submit"
          name="theme"
          value={theme}
          class="link"
          aria-pressed={theme === chosen ? 'true' : 'false'}
        >
          {label}
        </button>
      ))}
    </form>
  );
}
