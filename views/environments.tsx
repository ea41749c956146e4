import type { Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { Ago } from './parts/ago.tsx';
import { EmptyState } from './parts/empty-state.tsx';
import { TextField } from './parts/field.tsx';
import { Form } from './parts/form.tsx';
import type { FormState } from './parts/form-state.ts';
import { type PageOfMany, Pager } from './parts/pager.tsx';
import { ProtectionBadge, type ProtectionState } from './parts/protection-badge.tsx';
import { ACTIONS, Table } from './parts/table.tsx';

export interface EnvironmentItem {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
  readonly servers: number;
  /** Databases by whether they are safe. */
  readonly databases: Readonly<Record<ProtectionState, number>>;
  readonly mayUseStorage: boolean;
  readonly mayDownload: boolean;
}

export function EnvironmentsPage(props: {
  readonly frame: Frame;
  readonly environments: readonly EnvironmentItem[];
  readonly page: PageOfMany;
}) {
  const { frame, environments, page } = props;
  const { isAdmin } = frame.user;
  return (
    <Page
      frame={frame}
      section="environments"
      title="Environments"
      actions={
        isAdmin && page.total > 0 ? (
          <a class="button" href="/environments/new">
            New environment
          </a>
        ) : undefined
      }
    >
      {page.total === 0 ? (
        <EmptyState title="No environments yet">
          <p>
            An environment, such as production or staging, groups servers and databases that share an SSH key.
          </p>
          {isAdmin ? (
            <a class="button" href="/environments/new">
              Create the first environment
            </a>
          ) : (
            <p>An admin has to create one.</p>
          )}
        </EmptyState>
      ) : (
        <>
          <Table
            caption="Environments"
            columns={['Name', 'Databases', 'Servers', 'Storage', 'Downloads', 'Created', ACTIONS]}
          >
            {environments.map((environment) => (
              <tr key={environment.id}>
                <th scope="row">
                  <a href={`/databases?environment=${environment.id}`}>{environment.name}</a>
                </th>
                <td data-label="Databases">
                  <DatabasesByState databases={environment.databases} />
                </td>
                <td data-label="Servers">
                  <a href={`/servers?environment=${environment.id}`}>{environment.servers}</a>
                </td>
                <td data-label="Storage">{environment.mayUseStorage ? 'enabled' : 'disabled'}</td>
                <td data-label="Downloads">{environment.mayDownload ? 'allowed' : 'off'}</td>
                <td data-label="Created">
                  <Ago at={environment.createdAt} />
                </td>
                <td>
                  <a
                    href={`/environments/${environment.id}/settings`}
                    aria-label={`Settings of ${environment.name}`}
                  >
                    Settings
                  </a>
                </td>
              </tr>
            ))}
          </Table>
          <Pager page={page} path="/environments" />
        </>
      )}
    </Page>
  );
}

const STATES: readonly ProtectionState[] = ['never', 'late', 'failing', 'paused', 'protected'];

/** Bad news first; what there is none of is left out. */
function DatabasesByState({ databases }: Pick<EnvironmentItem, 'databases'>) {
  const some = STATES.filter((state) => databases[state] > 0);
  if (some.length === 0) return <>none</>;
  return (
    <>
      {some.map((state) => (
        <span key={state}>
          {databases[state]} <ProtectionBadge state={state} />
        </span>
      ))}
    </>
  );
}

export function NewEnvironmentPage({ frame, form }: { readonly frame: Frame; readonly form: FormState }) {
  return (
    <Page
      frame={frame}
      section="environments"
      title="New environment"
      back={{ href: '/environments', label: 'Environments' }}
    >
      <Form action="/environments/new" form={form} submit="Create environment" cancel="/environments">
        <TextField
          form={form}
          name="name"
          label="Name"
          placeholder="production"
          help="At most 50 characters."
          required
          autofocus
        />
      </Form>
    </Page>
  );
}
