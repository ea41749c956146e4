import { Ago, Day } from '../parts/ago.tsx';
import { Badge } from '../parts/badge.tsx';
import { AskLink, type Question } from '../parts/dialog.tsx';
import { ACTIONS, Table } from '../parts/table.tsx';
import { clientName } from './client-name.ts';

export interface SessionItem {
  readonly id: string;
  readonly kind: 'api' | 'ui';
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
  readonly expiresAt: string;
  readonly isCurrent: boolean;
  readonly address: string | null;
  readonly agent: string | null;
}

/** Where somebody is signed in, each with a link that asks whether to end it. */
export function SessionTable({
  sessions,
  total,
}: {
  readonly sessions: readonly SessionItem[];
  readonly total: number;
}) {
  return (
    <>
      <Table caption="Sessions" columns={['Signed in by', 'From', 'Since', 'Last used', 'Ends', ACTIONS]}>
        {sessions.map((session) => (
          <tr key={session.id}>
            <th scope="row">
              <span title={session.agent ?? undefined}>{nameOf(session)}</span>{' '}
              {session.isCurrent && <Badge tone="setting" text="this one" />}
            </th>
            <td data-label="From">{session.address ?? '–'}</td>
            <td data-label="Since">
              <Ago at={session.createdAt} />
            </td>
            <td data-label="Last used">
              <Ago at={session.lastUsedAt} none="never" />
            </td>
            <td data-label="Ends">
              <Day at={session.expiresAt} />
            </td>
            <td>
              <AskLink
                href={`/account?end=${session.id}`}
                label="End"
                accessibleLabel={`End the session of ${session.createdAt}`}
              />
            </td>
          </tr>
        ))}
      </Table>
      {total > sessions.length && (
        <p>
          The {sessions.length} that were used last, of {total}. A new password ends them all.
        </p>
      )}
    </>
  );
}

const nameOf = ({ kind, agent }: SessionItem): string => {
  const name = clientName(agent);
  if (kind === 'ui') return name ?? KINDS.ui;
  return name === null ? KINDS.api : `${KINDS.api}, ${name}`;
};

const KINDS = { ui: 'a browser', api: 'the API' } as const;

/** Whether to end a session. */
export function questionOfSession(session: SessionItem): Question {
  const { id, createdAt, isCurrent, address } = session;
  return {
    title: isCurrent ? 'End this session?' : 'End the session?',
    action: `/account/sessions/${id}/end`,
    submit: 'End session',
    back: '/account',
    children: (
      <p>
        Begun by {nameOf(session)}
        {address !== null && ` from ${address}`} <Ago at={createdAt} />.{' '}
        {isCurrent ? 'You' : 'Whoever uses it'} must sign in again.
      </p>
    ),
  };
}
