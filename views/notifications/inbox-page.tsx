import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { Ago } from '../parts/ago.tsx';
import { Chips } from '../parts/chips.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { PostButton } from '../parts/form.tsx';
import { type PageOfMany, Pager } from '../parts/pager.tsx';
import { cutTo } from '../parts/room.ts';
import { ACTIONS, Table } from '../parts/table.tsx';
import { NotificationTabs } from './notification-tabs.tsx';
import { type Severity, SeverityBadge } from './severity-badge.tsx';

export interface NotificationItem {
  readonly id: string;
  readonly severity: Severity;
  readonly title: string;
  readonly message: string;
  /** What it is about, where that is still there. */
  readonly href: string | null;
  readonly at: string;
  readonly isRead: boolean;
}

/** For what all of them tell, in bytes of the page. */
const ROOM_FOR_MESSAGES = 13 * 1024;

/** What happened that the user is told of, newest first. */
export function InboxPage(props: {
  readonly frame: Frame;
  readonly items: readonly NotificationItem[];
  readonly page: PageOfMany;
  readonly unreadOnly: boolean;
  readonly unread: number;
}) {
  const { frame, items, page, unreadOnly, unread } = props;
  const cut = cutTo(
    ROOM_FOR_MESSAGES,
    items.map(({ message }) => message),
  );
  const trouble = frame.counts.notifications ?? 0;
  const path = unreadOnly ? '/notifications?unread=true' : '/notifications';
  return (
    <Page
      frame={frame}
      section="notifications"
      title="Notifications"
      actions={unread > 0 && <PostButton action="/notifications/read-all" label="Mark all as read" />}
    >
      <NotificationTabs chosen="inbox" user={frame.user} />
      <Chips
        label="Which"
        chips={[
          { label: 'All', href: '/notifications', isChosen: !unreadOnly },
          { label: 'Unread', count: unread, href: '/notifications?unread=true', isChosen: unreadOnly },
        ]}
      />
      {unread > trouble && (
        <p class="field-help">
          The menu counts those of trouble alone, warnings and what is critical: {trouble} of the {unread}{' '}
          that are unread.
        </p>
      )}
      {items.length === 0 ? (
        <EmptyState title={unreadOnly ? 'Nothing unread' : 'Nothing happened yet'}>
          <p>Failed and missing backups, damage, drills and what became of them are told here.</p>
        </EmptyState>
      ) : (
        <Table caption="Notifications" columns={['Severity', 'What', 'When', ACTIONS]}>
          {items.map((item) => (
            <Row key={item.id} item={item} back={path} cut={cut} />
          ))}
        </Table>
      )}
      <Pager page={page} path={path} />
    </Page>
  );
}

function Row(props: { readonly item: NotificationItem; readonly back: string; cut(text: string): string }) {
  const { item, back } = props;
  const { id, severity, title, message, href, at, isRead } = item;
  const shown = props.cut(message);
  return (
    <tr class={isRead ? undefined : 'unread'}>
      <td data-label="Severity">
        <SeverityBadge severity={severity} />
      </td>
      <th scope="row" class="notification">
        {href === null ? <span class="notification-title">{title}</span> : <a href={href}>{title}</a>}
        {!isRead && <span class="visually-hidden"> (unread)</span>}
        <p>
          {shown} {shown !== message && <a href={`/notifications/${id}`}>All of it</a>}
        </p>
      </th>
      <td data-label="When">
        <Ago at={at} />
      </td>
      <td>
        {!isRead && (
          <PostButton
            action={`/notifications/${id}/read`}
            label="Mark as read"
            accessibleLabel={`Mark as read: ${title}`}
            kind="link"
            values={{ back }}
          />
        )}
      </td>
    </tr>
  );
}
