import { Ago } from './parts/ago.tsx';
import { AskLink, type Question } from './parts/dialog.tsx';

export interface UserLink {
  readonly id: string;
  readonly issuer: string;
  readonly email: string | null;
  readonly lastUsedAt: string | null;
}

/** Whom of a provider an account stands for, for admins; nothing where it stands for nobody. */
export function UserLinks(props: {
  readonly userId: string;
  readonly links: readonly UserLink[];
  /** Without one, the link is the only way in. */
  readonly hasPassword: boolean;
}) {
  const { userId, links, hasPassword } = props;
  if (links.length === 0) return null;
  return (
    <>
      <h2>Single sign-on</h2>
      {links.map((link) => (
        <div key={link.id}>
          <p>
            Linked to <strong>{link.email ?? 'a person'}</strong>, as {link.issuer} calls them. Used{' '}
            <Ago at={link.lastUsedAt} none="never" />. Where values are entered for roles, the role is set
            anew at each sign-in.
          </p>
          {hasPassword && (
            <AskLink
              href={`/admin/users/${userId}?unlink=${link.id}`}
              label="Unlink"
              accessibleLabel={`Unlink ${link.email ?? 'a person'} of ${link.issuer}`}
              kind="button"
            />
          )}
        </div>
      ))}
    </>
  );
}

/** Whether to take a link off a user. */
export function questionOfUserLink(userId: string, { id, email, issuer }: UserLink): Question {
  return {
    title: 'Take the link off?',
    action: `/admin/users/${userId}/single-sign-on/${id}/unlink`,
    submit: 'Unlink',
    back: `/admin/users/${userId}`,
    children: (
      <>
        <p>
          {email ?? 'A person'} of {issuer}.
        </p>
        <p>The password alone signs in afterwards. Sessions that began by the link end.</p>
      </>
    ),
  };
}
