import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { Exact } from '../parts/ago.tsx';
import { Facts } from '../parts/facts.tsx';
import { PostButton } from '../parts/form.tsx';
import { Panel } from '../parts/panel.tsx';
import type { NotificationItem } from './inbox-page.tsx';
import { SeverityBadge } from './severity-badge.tsx';

/** One notification, with all that it tells. */
export function NotificationPage({
  frame,
  item,
}: {
  readonly frame: Frame;
  readonly item: NotificationItem;
}) {
  const { id, severity, title, message, href, at, isRead } = item;
  return (
    <Page
      frame={frame}
      section="notifications"
      title={title}
      back={{ href: '/notifications', label: 'Notifications' }}
      state={<SeverityBadge severity={severity} />}
      actions={
        <>
          {href !== null && (
            <a class="button secondary outline" href={href}>
              What it is about
            </a>
          )}
          {!isRead && (
            <PostButton
              action={`/notifications/${id}/read`}
              label="Mark as read"
              values={{ back: `/notifications/${id}` }}
            />
          )}
        </>
      }
    >
      <Panel title="What it tells">
        <p class="told">{message}</p>
        <Facts facts={[['When', <Exact at={at} />]]} />
      </Panel>
    </Page>
  );
}
