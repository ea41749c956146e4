import { Ago, Day } from '../parts/ago.tsx';
import { Badge } from '../parts/badge.tsx';
import { AskLink, type Question } from '../parts/dialog.tsx';
import { type PageOfMany, Pager, samePage } from '../parts/pager.tsx';
import { ACTIONS, Table } from '../parts/table.tsx';
import { withQuery } from '../parts/with-query.ts';
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
  page,
}: {
  readonly sessions: readonly SessionItem[];
  readonly page: PageOfMany;
}) {
  const path = samePage('/account', page);
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
                href={withQuery(path, 'end', session.id)}
                label="End"
                accessibleLabel={`End the session of ${session.createdAt}`}
              />
            </td>
          </tr>
        ))}
      </Table>
      <Pager page={page} path="/account" at="sessions" />
      {page.total > page.limit && <p>Those that were used last come first. A new password ends them all.</p>}
    </>
  );
}

const nameOf = ({ kind, agent }: SessionItem): string => {
  const name = clientName(agent);
  if (kind === 'ui') return name ?? KINDS.ui;
  return name === null ? KINDS.api : `${KINDS.api}, ${name}`;
};

const KINDS = { ui: 'a browser', api: 'the API' } as const;

/** Whether to end a session. `back` is the page without the question. */
export function questionOfSession(session: SessionItem, back: string): Question {
  const { id, createdAt, isCurrent, address } = session;
  return {
    title: isCurrent ? 'End this session?' : 'End the session?',
    action: `/account/sessions/${id}/end`,
    submit: 'End session',
    back,
    children: (
      <p>
        Begun by {nameOf(session)}
        {address !== null && ` from ${address}`} <Ago at={createdAt} />.{' '}
        {isCurrent ? 'You' : 'Whoever uses it'} must sign in again.
      </p>
    ),
  };
}
