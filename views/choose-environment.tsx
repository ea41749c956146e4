import type { Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { EmptyState } from './parts/empty-state.tsx';

/** The question before a new database or server: which environment it belongs to. */
export function ChooseEnvironmentPage(props: {
  readonly frame: Frame;
  readonly section: 'databases' | 'servers';
  readonly title: string;
  readonly back: { readonly href: string; readonly label: string };
}) {
  const { frame, section } = props;
  return (
    <Page frame={frame} section={section} title={props.title} back={props.back}>
      {frame.environments.length === 0 ? (
        <EmptyState title="No environments yet">
          <p>
            An environment, such as production or staging, groups servers and databases that share an SSH key.
          </p>
          {frame.user.isAdmin ? (
            <a class="button" href="/environments/new">
              Create the first environment
            </a>
          ) : (
            <p>An admin has to create one.</p>
          )}
        </EmptyState>
      ) : (
        <>
          <p>In which environment?</p>
          <ul class="choices">
            {frame.environments.map(({ id, name }) => (
              <li key={id}>
                <a href={`/environments/${id}/${section}/new`}>{name}</a>
              </li>
            ))}
          </ul>
        </>
      )}
    </Page>
  );
}
