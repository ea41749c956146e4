import type { Frame, Section } from './frame.ts';
import { filteredPage, keptOf } from './navigation.ts';

/**
 * On a narrow screen, where the choice lies behind the Menu button: what a list is narrowed to, the way to all of it, and the bad news
 * that this hides. The overview says so by its verdict.
 */
export function ChosenEnvironment({
  frame,
  section,
}: {
  readonly frame: Frame;
  readonly section: Section | null;
}) {
  const { environment, elsewhere, here } = frame;
  const page = filteredPage(section);
  if (environment === null || page === '/' || here.split('?')[0] !== page) return null;
  const all = new URLSearchParams([
    ['environment', 'all'],
    ...keptOf(here, page).map(([name, value]) => [name, value]),
  ]);
  return (
    <p id="chosen-environment">
      <strong>{environment.name}</strong> only · <a href={`${page}?${all}`}>All environments</a>
      {elsewhere > 0 && (
        <>
          {' '}
          · <a href="/databases?environment=all&state=unsafe">{elsewhere} not safe elsewhere</a>
        </>
      )}
    </p>
  );
}
