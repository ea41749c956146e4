import type { Frame, Role } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { Ago } from './parts/ago.tsx';
import { Badge } from './parts/badge.tsx';
import { Confirm } from './parts/confirm.tsx';
import { DangerZone } from './parts/danger-zone.tsx';
import { AskLink, Dialog, type Question } from './parts/dialog.tsx';
import { EmptyState } from './parts/empty-state.tsx';
import { type Choice, SelectField, TextField } from './parts/field.tsx';
import { FilterForm } from './parts/filter-form.tsx';
import { Form } from './parts/form.tsx';
import type { FormState } from './parts/form-state.ts';
import { Names } from './parts/names.tsx';
import { NewPasswordField } from './parts/new-password-field.tsx';
import { type PageOfMany, Pager } from './parts/pager.tsx';
import { ACTIONS, Table } from './parts/table.tsx';
import { PeopleTabs } from './tokens/people-tabs.tsx';
import { type UserLink, UserLinks } from './user-links.tsx';

export interface UserItem {
  readonly id: string;
  readonly email: string;
  readonly name: string | null;
  readonly role: Role;
  readonly lastActiveAt: string | null;
}

const ROLES: readonly Choice[] = [
  { value: 'viewer', label: 'Viewer' },
  { value: 'operator', label: 'Operator' },
  { value: 'admin', label: 'Admin' },
];

function RoleField({ form }: { form: FormState }) {
  return (
    <SelectField
      form={form}
      name="role"
      label="Role"
      choices={ROLES}
      help="A viewer sees everything and changes nothing; an operator also runs backups and manages servers and databases; an admin also manages environments, storage and users."
      required
    />
  );
}

const LIST = 'users';

export function UsersPage({
  frame,
  users,
  page,
  search,
  withSecondFactor,
  linked,
}: {
  readonly frame: Frame;
  readonly users: readonly UserItem[];
  readonly page: PageOfMany;
  readonly search: string;
  /** Ids of those who are linked to a provider of single sign-on. */
  readonly linked: ReadonlySet<string>;
  /** Ids of those who are asked for a code after their password. */
  readonly withSecondFactor: ReadonlySet<string>;
}) {
  return (
    <Page
      frame={frame}
      section="users"
      title="Users"
      actions={
        <a class="button" href="/admin/users/new">
          New user
        </a>
      }
    >
      <PeopleTabs chosen="users" />
      {(page.total > page.limit || search !== '') && (
        <FilterForm
          path="/admin/users"
          target={LIST}
          search={{ value: search, placeholder: 'Email or name' }}
          selects={[]}
          keeps={{}}
        />
      )}
      <div id={LIST}>
        {page.total === 0 ? (
          <EmptyState title="No user is called so">
            <p>
              <a href="/admin/users">Show all</a>
            </p>
          </EmptyState>
        ) : (
          <Table
            caption="Users"
            columns={['Email', 'Name', 'Role', 'Second factor', 'Single sign-on', 'Last active', ACTIONS]}
          >
            {users.map((user) => (
              <tr key={user.id}>
                <th scope="row">{user.email}</th>
                <td data-label="Name" class="words">
                  {user.name ?? '–'}
                </td>
                <td data-label="Role">
                  <Badge tone="setting" text={user.role} />
                </td>
                <td data-label="Second factor">{withSecondFactor.has(user.id) ? 'yes' : 'no'}</td>
                <td data-label="Single sign-on">{linked.has(user.id) ? 'yes' : 'no'}</td>
                <td data-label="Last active">
                  <Ago at={user.lastActiveAt} />
                </td>
                <td>
                  <a href={`/admin/users/${user.id}`} aria-label={`Edit ${user.email}`}>
                    Edit
                  </a>
                </td>
              </tr>
            ))}
          </Table>
        )}
        <Pager
          page={page}
          path={search === '' ? '/admin/users' : `/admin/users?${new URLSearchParams({ q: search })}`}
        />
      </div>
    </Page>
  );
}

export function NewUserPage(props: {
  readonly frame: Frame;
  readonly form: FormState;
  /** Characters that a password has at least. */
  readonly leastPassword: number;
}) {
  const { frame, form, leastPassword } = props;
  return (
    <Page frame={frame} section="users" title="New user" back={{ href: '/admin/users', label: 'Users' }}>
      <Form action="/admin/users/new" form={form} submit="Create user" cancel="/admin/users">
        <TextField form={form} name="email" label="Email" type="email" required />
        <TextField form={form} name="name" label="Name" />
        <RoleField form={form} />
        <NewPasswordField
          form={form}
          name="password"
          label="Password"
          least={leastPassword}
          more="The user can change it under Account."
        />
      </Form>
    </Page>
  );
}

export function UserPage(props: {
  readonly frame: Frame;
  readonly user: UserItem;
  readonly isSelf: boolean;
  readonly hasSecondFactor: boolean;
  /** Without one it signs in by single sign-on alone. */
  readonly hasPassword: boolean;
  readonly links: readonly UserLink[];
  readonly leastPassword: number;
  readonly details: FormState;
  readonly password: FormState;
  readonly question: Question | null;
}) {
  const { frame, user, isSelf, details } = props;
  return (
    <Page frame={frame} section="users" title={user.email} back={{ href: '/admin/users', label: 'Users' }}>
      <Dialog question={props.question} />
      <h2>Details</h2>
      <Form action={`/admin/users/${user.id}`} form={details} submit="Save">
        <TextField form={details} name="name" label="Name" />
        {isSelf ? <OwnRole role={user.role} /> : <RoleField form={details} />}
      </Form>
      {isSelf ? <OwnPassword /> : <PasswordForm {...props} />}
      {!isSelf && props.hasSecondFactor && <TakeOffFactor user={user} />}
      {!isSelf && <UserLinks userId={user.id} links={props.links} hasPassword={props.hasPassword} />}
      {!isSelf && (
        <DangerZone>
          <AskLink href={`/admin/users/${user.id}?delete`} label="Delete user" kind="button" />
        </DangerZone>
      )}
    </Page>
  );
}

/** Whether to delete a user; with the names of their API tokens, which end with them. */
export function questionOfUser(
  { id, email }: Pick<UserItem, 'id' | 'email'>,
  tokens: readonly string[],
): Question {
  return {
    title: `Delete the user ${email}?`,
    action: `/admin/users/${id}/delete`,
    submit: 'Delete user',
    back: `/admin/users/${id}`,
    children: (
      <>
        <p>The user is signed out at once. The backups that the user started stay.</p>
        {tokens.length > 0 && (
          <>
            <p>What uses {tokens.length === 1 ? 'this token' : 'these tokens'} of theirs stops working:</p>
            <Names of="Tokens" names={tokens} />
          </>
        )}
      </>
    ),
  };
}

function PasswordForm(props: {
  readonly user: UserItem;
  readonly hasPassword: boolean;
  readonly links: readonly UserLink[];
  readonly password: FormState;
  readonly leastPassword: number;
}) {
  const { user, password, leastPassword } = props;
  return (
    <>
      <h2>{props.hasPassword ? 'Set a new password' : 'Give it a password'}</h2>
      <p>
        {!props.hasPassword &&
          'This account signs in by single sign-on alone. With a password it gets in when the provider is down, too. '}
        Afterwards every session of this user ends.
        {props.hasPassword &&
          props.links.length > 0 &&
          ' What links the account to single sign-on is taken off with it: its owner makes it anew under Account.'}
      </p>
      <Form action={`/admin/users/${user.id}/password`} form={password} submit="Set password">
        <NewPasswordField form={password} name="newPassword" label="New password" least={leastPassword} />
      </Form>
    </>
  );
}

/** Of somebody who has lost the phone and the recovery codes. */
function TakeOffFactor({ user }: { readonly user: UserItem }) {
  return (
    <>
      <h2>Second factor</h2>
      <p>
        After the password a code of an authenticator app is asked for. Lost, with the recovery codes? Take it
        off.
      </p>
      <Confirm
        id="take-off-factor"
        label="Take it off"
        title={`Take the second factor off ${user.email}?`}
        action={`/admin/users/${user.id}/second-factor/remove`}
        submit="Take it off"
      >
        <p>
          The password alone signs in afterwards, and every session of this user ends. Make sure who asks for
          it.
        </p>
      </Confirm>
    </>
  );
}

/** One's own present password is asked for there. */
function OwnPassword() {
  return (
    <>
      <h2>Password</h2>
      <p>
        Change your own password, and the second factor, under <a href="/account">Account</a>.
      </p>
    </>
  );
}

/** Nobody changes the own role: an installation keeps an admin so. */
function OwnRole({ role }: { role: Role }) {
  return (
    <p>
      <input type="hidden" name="role" value={role} />
      Role: {role}. Only another admin can change it.
    </p>
  );
}
