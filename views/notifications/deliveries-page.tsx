import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { Ago } from '../parts/ago.tsx';
import { Badge } from '../parts/badge.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { type PageOfMany, Pager } from '../parts/pager.tsx';
import { cutTo } from '../parts/room.ts';
import { Table } from '../parts/table.tsx';
import { NotificationTabs } from './notification-tabs.tsx';

export interface DeliveryItem {
  readonly id: string;
  readonly way: 'email' | 'channel' | 'webhook';
  readonly recipient: string;
  readonly what: string;
  readonly status: 'pending' | 'delivered' | 'failed';
  readonly attempts: number;
  readonly nextAttemptAt: string | null;
  readonly lastError: string | null;
  readonly createdAt: string;
  readonly deliveredAt: string | null;
}

const WAYS = { email: 'Mail', channel: 'Channel', webhook: 'Webhook' } as const;
export const DELIVERY_TONES = { pending: 'neutral', delivered: 'success', failed: 'error' } as const;
export const DELIVERY_STATES = { pending: 'on its way', delivered: 'delivered', failed: 'given up' } as const;

/** For the last answers to all of them, in bytes of the page. */
const ROOM_FOR_ANSWERS = 15 * 1024;

/** What was sent to whom, and what became of it. */
export function DeliveriesPage(props: {
  readonly frame: Frame;
  readonly deliveries: readonly DeliveryItem[];
  readonly page: PageOfMany;
}) {
  const { frame, deliveries, page } = props;
  const answers = deliveries.map(({ lastError }) => lastError);
  const cut = cutTo(ROOM_FOR_ANSWERS, answers);
  return (
    <Page frame={frame} section="notifications" title="Notifications">
      <NotificationTabs chosen="deliveries" user={frame.user} />
      {deliveries.length === 0 ? (
        <EmptyState title="Nothing was sent yet">
          <p>Each mail and message stands here with its tries and the last answer.</p>
        </EmptyState>
      ) : (
        <Table caption="Delivery log" columns={['What', 'When', 'By', 'To', 'State', 'Tries']}>
          {deliveries.map((delivery) => (
            <Row key={delivery.id} delivery={delivery} cut={cut} />
          ))}
        </Table>
      )}
      {answers.some((answer) => answer !== null && answer !== cut(answer)) && (
        <p class="field-help">
          Long answers are cut here; the API has all of them:{' '}
          <a href="/docs/get-admin-deliveries">
            <code>GET /api/admin/deliveries</code>
          </a>
          .
        </p>
      )}
      <Pager page={page} path="/notifications/deliveries" />
    </Page>
  );
}

function Row({ delivery, cut }: { readonly delivery: DeliveryItem; readonly cut: (text: string) => string }) {
  const { way, recipient, what, status, attempts, nextAttemptAt, lastError, createdAt } = delivery;
  return (
    <tr>
      <th scope="row" class="notification">
        <span class="notification-title">{what}</span>
        {lastError !== null && <p>{cut(lastError)}</p>}
      </th>
      <td data-label="When">
        <Ago at={createdAt} />
      </td>
      <td data-label="By">{WAYS[way]}</td>
      <td data-label="To" class="words">
        {way === 'webhook' ? <a href="/notifications/webhooks">one of the webhooks</a> : recipient}
      </td>
      <td data-label="State">
        <Badge tone={DELIVERY_TONES[status]} text={DELIVERY_STATES[status]} />{' '}
        {status === 'delivered' ? <Ago at={delivery.deliveredAt} /> : null}
      </td>
      <td data-label="Tries">
        <span>
          {attempts}
          {nextAttemptAt !== null && attempts > 0 && (
            <>
              , next <Ago at={nextAttemptAt} />
            </>
          )}
        </span>
      </td>
    </tr>
  );
}
