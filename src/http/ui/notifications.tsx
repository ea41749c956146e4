import { Hono } from 'hono';
import { InboxPage, type NotificationItem } from '../../../views/notifications/inbox-page.tsx';
import { PreferencesPage } from '../../../views/notifications/preferences-page.tsx';
import type { NotificationRow } from '../../db/schema.ts';
import { countNotifications, listNotifications, markAllRead, markRead } from '../../notifications/inbox.ts';
import { changePreference, listPreferences } from '../../notifications/preferences.ts';
import { readSmtp } from '../../notifications/smtp-settings.ts';
import type { Services } from '../../services-port.ts';
import { actorOf } from './kit/actor.ts';
import { goTo } from './kit/flash.ts';
import { isTicked, readForm } from './kit/form-body.ts';
import { frameOf } from './kit/frame.ts';
import { ownPath } from './kit/own-path.ts';
import { pageOf } from './kit/paging.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import type { UiEnv } from './kit/ui-env.ts';

const PER_PAGE = 50;

/** What one is told, and what one wants to be. */
export function notificationRoutes(services: Services): Hono<UiEnv> {
  const { db } = services;
  const ui = new Hono<UiEnv>();

  ui.get('/notifications', only('viewer'), async (c) => {
    const { id } = c.get('session').user;
    const unreadOnly = c.req.query('unread') === 'true';
    const page = pageOf(c, PER_PAGE);
    const rows = await listNotifications(db, id, { unreadOnly }, page);
    return sendPage(
      c,
      <InboxPage
        frame={await frameOf(c, services)}
        items={rows.map(itemOf)}
        page={{ ...page, total: await countNotifications(db, id, { unreadOnly }) }}
        unreadOnly={unreadOnly}
        unread={await countNotifications(db, id, { unreadOnly: true })}
      />,
    );
  });

  ui.post('/notifications/read-all', only('viewer'), async (c) => {
    actorOf(c, services);
    await markAllRead(services, c.get('session').user.id);
    return goTo(c, services, '/notifications', 'notifications-read');
  });

  ui.post('/notifications/:notificationId/read', only('viewer'), async (c) => {
    actorOf(c, services);
    const { back } = await readForm(c);
    await markRead(services, c.get('session').user.id, c.req.param('notificationId'));
    const path = ownPath(back);
    return c.redirect(path === '/' ? '/notifications' : path, 303);
  });

  ui.get('/notifications/preferences', only('viewer'), async (c) => {
    const preferences = await listPreferences(db, c.get('session').user);
    const items = preferences
      .filter(({ type }) => type.enabled)
      .map(({ type, inAppEnabled, emailEnabled }) => ({
        ...{ typeId: type.id, name: type.name, description: type.description, severity: type.severity },
        ...{ inApp: inAppEnabled, email: emailEnabled },
      }));
    const hasServer = (await readSmtp(db)) !== null;
    return sendPage(c, <PreferencesPage frame={await frameOf(c, services)} {...{ items, hasServer }} />);
  });

  ui.post('/notifications/preferences', only('viewer'), async (c) => {
    actorOf(c, services);
    const body = await readForm(c);
    const { user } = c.get('session');
    for (const { type, inAppEnabled, emailEnabled } of await listPreferences(db, user)) {
      // One that was not on the form is not what its boxes are about: it may be newer than the page.
      if (!type.enabled || !isTicked(body, `shown.${type.id}`)) continue;
      const wanted = {
        inAppEnabled: isTicked(body, `inApp.${type.id}`),
        emailEnabled: isTicked(body, `email.${type.id}`),
      };
      // What is as it was stays the type's to say.
      if (wanted.inAppEnabled === inAppEnabled && wanted.emailEnabled === emailEnabled) continue;
      await changePreference(services, user, type.id, wanted);
    }
    return goTo(c, services, '/notifications/preferences', 'preferences-saved');
  });

  return ui;
}

/** As pages show it. */
export function itemOf(row: NotificationRow): NotificationItem {
  const { id, severity, title, message } = row;
  return {
    ...{ id, severity, title, message, at: row.created_at, isRead: row.in_app_read_at !== null },
    href: hrefOf(row),
  };
}

function hrefOf({ database_id: databaseId, type_id: typeId }: NotificationRow): string | null {
  return databaseId === null ? (PAGES[typeId] ?? null) : `/databases/${databaseId}`;
}

/** Where something can be done about what is not of a database, by type; whom each is told to may open it. */
const PAGES: Readonly<Record<string, string>> = {
  'system.weekly_report': '/notifications/report',
  'system.channel_failed': '/notifications/channels',
  'system.channel_recovered': '/notifications/channels',
  'system.disk_nearly_full': '/admin/system',
  'system.disk_recovered': '/admin/system',
  'storage.capability_lost': '/admin/storage',
  'storage.capability_recovered': '/admin/storage',
};
