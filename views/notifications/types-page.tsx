import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { Badge } from '../parts/badge.tsx';
import { ACTIONS, Table } from '../parts/table.tsx';
import { NotificationTabs } from './notification-tabs.tsx';
import { type Severity, SeverityBadge } from './severity-badge.tsx';

export interface TypeItem {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly severity: Severity;
  readonly enabled: boolean;
  readonly defaultChannels: readonly ('in_app' | 'email' | 'webhook')[];
  /** Whether it comes again and again while it lasts, so that there is something to be held back. */
  readonly isBounced: boolean;
  readonly bounceEnabled: boolean;
  readonly bounceThreshold: number;
  readonly isForAdmins?: true;
  readonly isAskedFor?: true;
}

const WAYS = { in_app: 'in the app', email: 'by mail', webhook: 'on channels' } as const;

/** All that people may be told, and how, unless they want it otherwise. */
export function TypesPage({ frame, types }: { readonly frame: Frame; readonly types: readonly TypeItem[] }) {
  return (
    <Page frame={frame} section="notifications" title="Notifications">
      <NotificationTabs chosen="types" user={frame.user} />
      <p>
        What each is told by unless its user wants otherwise under <em>What I am told</em>. What is off is
        told to nobody.
      </p>
      <Table caption="Types" columns={['What', 'Severity', 'Told', 'Repeated', ACTIONS]}>
        {types.map((type) => (
          <tr key={type.id}>
            <th scope="row" class="notification">
              <span class="notification-title">{type.name}</span>{' '}
              {!type.enabled && <Badge tone="warning" text="off" />}
              <p>{type.description}</p>
            </th>
            <td data-label="Severity">
              <SeverityBadge severity={type.severity} />
            </td>
            <td data-label="Told">{toldWords(type)}</td>
            <td data-label="Repeated">{repeatedWords(type)}</td>
            <td>
              <a href={`/notifications/types/${type.id}`} aria-label={`Change ${type.name}`}>
                Change
              </a>
            </td>
          </tr>
        ))}
      </Table>
    </Page>
  );
}

function toldWords({ enabled, defaultChannels, isForAdmins, isAskedFor }: TypeItem): string {
  if (!enabled) return 'to nobody';
  const who = isForAdmins ? 'to admins' : isAskedFor ? 'to admins and who asks for it' : 'to everybody';
  const how = defaultChannels.map((way) => WAYS[way]).join(', ');
  return how === '' ? `${who}, where they ask for it` : `${who}, ${how}`;
}

function repeatedWords({ isBounced, bounceEnabled, bounceThreshold }: TypeItem): string {
  if (!isBounced) return 'once for each event';
  if (!bounceEnabled) return 'each time';
  return bounceThreshold === 1
    ? 'once while it lasts'
    : `once while it lasts, from ${bounceThreshold} in a row`;
}
