import type { Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { Badge } from './parts/badge.tsx';
import { ProtectionBadge, type ProtectionState } from './parts/protection-badge.tsx';

/** What the words of the pages mean, and where more is to be read. */
export function HelpPage({ frame }: { readonly frame: Frame }) {
  return (
    <Page frame={frame} section="help" title="Help">
      <h2>Is a database safe?</h2>
      <dl class="glossary">
        {STATES.map(([state, meaning]) => (
          <div key={state}>
            <dt>
              <ProtectionBadge state={state} />
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <h2>What became of a backup?</h2>
      <dl class="glossary">
        {OUTCOMES.map(([tone, text, meaning]) => (
          <div key={text}>
            <dt>
              <Badge tone={tone} text={text} />
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <h2>Who may do what?</h2>
      <p>
        A viewer sees everything and changes nothing. An operator also runs backups and manages servers and
        databases. An admin also manages environments, storage and users.
      </p>
      <h2>A forgotten password</h2>
      <p>
        An admin sets a new one under Admin &gt; Users. Who has no admin left runs{' '}
        <code>npm run reset-password</code>, in the container <code>node dist/main.js reset-password</code>,
        on the host of the app.
      </p>
      <h2>By program</h2>
      <p>
        All that the pages do is in the API under <code>/api</code>, by bearer token;{' '}
        <a href="/docs">its reference</a> describes each route, and tries it. Guides to providers, restoring
        and operation are in the folder <code>docs</code> of the source.
      </p>
    </Page>
  );
}

const STATES: readonly (readonly [ProtectionState, string])[] = [
  ['protected', 'The last good backup is as new as it should be.'],
  ['failing', 'It is still new enough, but the last run failed: look at why before it is late.'],
  ['late', 'The last good backup is older than it should be. Not safe.'],
  ['never', 'There is no good backup. Not safe.'],
];

const OUTCOMES = [
  ['success', 'completed', 'The dump ended well, and the stored object was read back.'],
  ['error', 'failed', 'Nothing is stored. The row says at which step, why, and what to do.'],
  ['neutral', 'cancelled', 'Somebody ended it. Nothing is stored.'],
  ['warning', 'interrupted', 'The app stopped while it ran. Nothing is stored.'],
  [
    'warning',
    'uncertain',
    'Whether it is stored is not known yet, such as when the storage did not answer: it is asked again by itself.',
  ],
] as const;
