import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';

/** Between the password and the provider: a link, since a form of ours may lead to no other origin. */
export function ContinuePage({
  frame,
  name,
  url,
}: {
  readonly frame: Frame;
  readonly name: string;
  readonly url: string;
}) {
  return (
    <Page
      frame={frame}
      section="account"
      title="Link your account"
      back={{ href: '/account', label: 'Account' }}
    >
      <p>
        Sign in at the provider as the person that this account is to be linked to. You come back here
        afterwards.
      </p>
      <div class="actions">
        <a class="button" href={url}>
          Continue with {name}
        </a>
        <a class="button outline" href="/account">
          Cancel
        </a>
      </div>
    </Page>
  );
}
