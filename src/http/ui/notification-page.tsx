import { Hono } from 'hono';
import { NotificationPage } from '../../../views/notifications/notification-page.tsx';
import { getNotification } from '../../notifications/inbox.ts';
import type { Services } from '../../services-port.ts';
import { frameOf } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import type { UiEnv } from './kit/ui-env.ts';
import { itemOf } from './notifications.tsx';

/** One notification, with all that it tells. Its path is like those of the tabs, which come before it. */
export function notificationPageRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/notifications/:notificationId', only('viewer'), async (c) => {
    const { id } = c.get('session').user;
    const row = await getNotification(services.db, id, c.req.param('notificationId'));
    return sendPage(c, <NotificationPage frame={await frameOf(c, services)} item={itemOf(row)} />);
  });

  return ui;
}
