import type { Frame, Role } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { Ago } from '../parts/ago.tsx';
import { Badge } from '../parts/badge.tsx';
import { DangerZone } from '../parts/danger-zone.tsx';
import { AskLink, Dialog, type Question } from '../parts/dialog.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { CheckboxField, SelectField, TextField } from '../parts/field.tsx';
import { Form } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import { type PageOfMany, Pager } from '../parts/pager.tsx';
import { ACTIONS, Table } from '../parts/table.tsx';
import { PeopleTabs } from './people-tabs.tsx';

export interface ServiceAccountItem {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly role: Role;
  readonly disabled: boolean;
  readonly createdAt: string;
  readonly apiTokens: number;
}

const ROLES: readonly Role[] = ['viewer', 'operator', 'admin'];
const BACK = { href: '/admin/service-accounts', label: 'Service accounts' };

export function ServiceAccountsPage(props: {
  readonly frame: Frame;
  readonly accounts: readonly ServiceAccountItem[];
  readonly page: PageOfMany;
}) {
  return (
    <Page
      frame={props.frame}
      section="users"
      title="Service accounts"
      actions={
        <a class="button" href="/admin/service-accounts/new">
          New service account
        </a>
      }
    >
      <PeopleTabs chosen="accounts" />
      {props.page.total === 0 ? (
        <EmptyState title="No service accounts yet">
          <p>
            A service account is no person: it owns the tokens of a pipeline or a cron job, which go on
            working when somebody leaves.
          </p>
        </EmptyState>
      ) : (
        <>
          <Table caption="Service accounts" columns={['Name', 'For', 'Role', 'Tokens', 'Created', ACTIONS]}>
            {props.accounts.map((account) => (
              <tr key={account.id}>
                <th scope="row">
                  {account.name} {account.disabled && <Badge tone="warning" text="disabled" />}
                </th>
                <td data-label="For" class="words">
                  {account.description ?? '–'}
                </td>
                <td data-label="Role">{account.role}</td>
                <td data-label="Tokens">{account.apiTokens}</td>
                <td data-label="Created">
                  <Ago at={account.createdAt} />
                </td>
                <td>
                  <a href={`/admin/service-accounts/${account.id}`} aria-label={`Edit ${account.name}`}>
                    Edit
                  </a>
                </td>
              </tr>
            ))}
          </Table>
          <Pager page={props.page} path={BACK.href} />
        </>
      )}
    </Page>
  );
}

export function NewServiceAccountPage({ frame, form }: { readonly frame: Frame; readonly form: FormState }) {
  return (
    <Page frame={frame} section="users" title="New service account" back={BACK}>
      <Form
        action="/admin/service-accounts/new"
        form={form}
        submit="Create service account"
        cancel={BACK.href}
      >
        <TextField
          form={form}
          name="name"
          label="Name"
          placeholder="ci-deployments"
          help="Lower-case letters, digits, - and _. It stays."
          required
        />
        <Details form={form} />
      </Form>
    </Page>
  );
}

export function ServiceAccountPage(props: {
  readonly frame: Frame;
  readonly account: ServiceAccountItem;
  readonly form: FormState;
  readonly question: Question | null;
}) {
  const { frame, account, form } = props;
  const action = `/admin/service-accounts/${account.id}`;
  return (
    <Page
      frame={frame}
      section="users"
      title={account.name}
      back={BACK}
      actions={
        <a class="button outline" href={`/admin/tokens/new?owner=account:${account.id}`}>
          New token
        </a>
      }
    >
      <Dialog question={props.question} />
      <Form action={action} form={form} submit="Save">
        <Details form={form} />
        <CheckboxField
          form={form}
          name="disabled"
          label="Disabled"
          help="Its tokens are refused until it is enabled again."
        />
      </Form>
      <DangerZone>
        <AskLink href={`${action}?delete`} label="Delete service account" kind="button" />
      </DangerZone>
    </Page>
  );
}

/** Whether to delete a service account. */
export function questionOfAccount({ id, name, apiTokens }: ServiceAccountItem): Question {
  return {
    title: `Delete the service account “${name}”?`,
    action: `/admin/service-accounts/${id}/delete`,
    submit: 'Delete service account',
    back: `/admin/service-accounts/${id}`,
    children: (
      <p>
        {apiTokens === 0
          ? 'It has no tokens.'
          : `Its ${apiTokens === 1 ? 'token is' : `${apiTokens} tokens are`} refused from then on.`}
      </p>
    ),
  };
}

function Details({ form }: { readonly form: FormState }) {
  return (
    <>
      <TextField form={form} name="description" label="For" help="Who uses it, and whom to ask." />
      <SelectField
        form={form}
        name="role"
        label="Role"
        choices={ROLES.map((role) => ({ value: role, label: role }))}
        help="Its tokens never may more than this."
        required
      />
    </>
  );
}
