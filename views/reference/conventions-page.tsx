import type { Frame } from '../frame/frame.ts';
import { Facts } from '../parts/facts.tsx';
import type { ErrorCodeView } from './reference.ts';
import { ErrorCodes } from './route-page.tsx';
import { ReferenceShell } from './shell.tsx';

/** As this installation is set up. */
export interface ReferenceLimits {
  readonly perAccount: number;
  readonly perAddress: number;
  readonly windowSeconds: number;
}

/** What holds for all routes. */
export function ConventionsPage(props: {
  readonly frame: Frame | null;
  readonly codes: readonly ErrorCodeView[];
  readonly limits: ReferenceLimits;
}) {
  const { perAccount, perAddress, windowSeconds } = props.limits;
  return (
    <ReferenceShell
      frame={props.frame}
      title="What holds for all routes"
      back={{ href: '/docs', label: 'API' }}
    >
      <h2>Who asks</h2>
      <p>
        Send <code>Authorization: Bearer TOKEN</code>: an API token (made under Account, or by an admin under
        Users &amp; tokens), or the token that <a href="/docs/post-auth-login">signing in</a> answers. Cookies
        don’t count. What a token is for is looked at first, then the role, before anything is validated.
      </p>
      <h2>What is sent and answered</h2>
      <p>
        Bodies are JSON of at most 1 MiB; an empty one is <code>{'{}'}</code>, unknown fields are ignored,
        types are not converted. Instants are ISO 8601 in UTC with milliseconds, sizes are numbers of bytes,
        ids are opaque text.
      </p>
      <h2>Failures</h2>
      <p>
        They answer <code>{'{code, message, field?, hint?, requestId, details?}'}</code>. The request id is in
        the header <code>x-request-id</code> of every answer, too.
      </p>
      <ErrorCodes codes={props.codes} />
      <h2>Lists</h2>
      <p>
        They take <code>limit</code> and <code>offset</code>, and answer <code>total</code> beside the rows. A
        limit above 1000 counts as 1000.
      </p>
      <h2>Sent again</h2>
      <p>
        With an <code>Idempotency-Key</code> of 1 to 200 characters, a POST, PUT or PATCH that is sent again
        within 24 hours by the same session or token, with the same query and body, is answered as the first
        time (<code>idempotent-replayed: true</code>) and not done again. Another body, or the first one still
        running, is 409. After anything but a success the key is free.
      </p>
      <h2>Limits</h2>
      <p>Of this installation; a 429 says in Retry-After how many seconds to wait.</p>
      <Facts
        facts={[
          [
            'Requests of an account',
            `${perAccount} in ${windowSeconds} seconds, by all its sessions and tokens`,
          ],
          ['Requests without a token', `${perAddress} in ${windowSeconds} seconds, by address`],
          ['Body', '1 MiB'],
          ['Waiting for a backup', '600 seconds; 10 times at once by a session or token'],
        ]}
      />
    </ReferenceShell>
  );
}
