import { Ago } from '../parts/ago.tsx';
import { AskLink, type Question } from '../parts/dialog.tsx';
import { TextField } from '../parts/field.tsx';
import { Form } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import { Notice } from '../parts/notice.tsx';

export interface LinkItem {
  readonly id: string;
  readonly issuer: string;
  readonly email: string | null;
  readonly lastUsedAt: string | null;
}

export interface SignOnOfAccount {
  /** What the provider is called; null where there is none. */
  readonly name: string | null;
  readonly links: readonly LinkItem[];
  /** The account stands for somebody of the present provider. */
  readonly isLinked: boolean;
  /** Without one, the link is the only way in. */
  readonly hasPassword: boolean;
  readonly form: FormState;
  /** Why a link did not come about just now. */
  readonly trouble: string | null;
}

/** Whom of a provider one's own account stands for; nothing where there is neither a provider nor a link. */
export function LinkedSignOn({ name, links, isLinked, hasPassword, form, trouble }: SignOnOfAccount) {
  if (name === null && links.length === 0 && trouble === null) return null;
  return (
    <>
      <h2>Single sign-on</h2>
      {trouble !== null && <Notice tone="error">{trouble}</Notice>}
      {links.map((link) => (
        <div key={link.id}>
          <p>
            Linked to <strong>{link.email ?? 'a person'}</strong> of {link.issuer}. Used{' '}
            <Ago at={link.lastUsedAt} none="never" />.
          </p>
          {hasPassword ? (
            <AskLink
              href={`/account?unlink=${link.id}`}
              label="Unlink"
              accessibleLabel={`Unlink ${link.email ?? 'a person'} of ${link.issuer}`}
              kind="button"
            />
          ) : (
            <p>This account has no password: the link is its way in.</p>
          )}
        </div>
      ))}
      {name !== null && !isLinked && hasPassword && (
        <>
          <p>Link this account, and sign in with {name} from then on. Your password goes on.</p>
          <Form action="/account/single-sign-on/link" form={form} submit={`Link with ${name}`}>
            {/* The page has another one, and a name only once. */}
            <TextField
              form={form}
              name="ownPassword"
              label="Your password"
              type="password"
              autocomplete="current-password"
              required
            />
          </Form>
        </>
      )}
    </>
  );
}

/** Whether to take a link off one's own account. */
export function questionOfLink({ id, email, issuer }: LinkItem): Question {
  return {
    title: 'Take the link off?',
    action: `/account/single-sign-on/${id}/unlink`,
    submit: 'Unlink',
    back: '/account',
    children: (
      <>
        <p>
          {email ?? 'A person'} of {issuer}.
        </p>
        <p>You sign in with your password then. Sessions that began by the link end.</p>
      </>
    ),
  };
}
