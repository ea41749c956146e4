import { LevelBadge, type LevelOf } from './backup/level.tsx';
import type { Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { ProtectionBadge, type ProtectionState } from './parts/protection-badge.tsx';
import { ResetPasswordCommands } from './parts/reset-password.tsx';

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
        {OUTCOMES.map(([of, meaning]) => (
          <div key={meaning}>
            <dt>
              <LevelBadge of={of} />
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
        An admin sets a new one under Admin &gt; Users. Who has no admin left runs, on the host of the app:
      </p>
      <ResetPasswordCommands />
      <p>Without an email it prints those of the admins.</p>
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
  ['late', 'The last good backup is older than it should be, and none is being made in time. Not safe.'],
  ['never', 'There is no good backup. Not safe.'],
  ['paused', 'Somebody paused its schedule: nothing backs it up by itself until that is resumed.'],
];

const DONE = { status: 'completed', outcome: 'completed', step: null } as const;
const NOT_DONE = { status: 'failed', verification: null, step: null } as const;

const OUTCOMES: readonly (readonly [LevelOf, string])[] = [
  [
    { ...DONE, verification: 'stored' },
    'The dump ended well, each stage agreed on its bytes, and the size and both ends of what is stored were read back.',
  ],
  [
    { ...DONE, verification: 'full' },
    'The stored bytes were fetched back and read to the end: they are those of the dump, and hold its tables and rows.',
  ],
  [
    { ...DONE, verification: 'drill' },
    'It was restored into a database, in a drill or by somebody, and had the tables and rows that it should have.',
  ],
  [
    { ...DONE, verification: 'failed' },
    'What lies in the storage is not what was stored, or could not be restored. Make a new backup, and look at why.',
  ],
  [
    { ...NOT_DONE, outcome: 'failed' },
    'Nothing is stored. The backup says at which step, why, and what to do.',
  ],
  [{ ...NOT_DONE, outcome: 'cancelled' }, 'Somebody ended it. Nothing is stored.'],
  [{ ...NOT_DONE, outcome: 'interrupted' }, 'The app stopped while it ran. Nothing is stored.'],
  [
    { ...NOT_DONE, outcome: 'uncertain' },
    'Whether it is stored is not known yet, such as when the storage did not answer: it is asked again by itself.',
  ],
];
