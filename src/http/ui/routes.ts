import { Hono } from 'hono';
import { AppError } from '../../errors.ts';
import { confirmMasterKeyCopy } from '../../installation/master-key-copy.ts';
import type { Services } from '../../services-port.ts';
import type { Limits } from '../rate-limit.ts';
import { accountRoutes } from './account.tsx';
import { backupRoutes } from './backups.ts';
import { databasePageRoutes } from './database.tsx';
import { databaseRoutes } from './databases.tsx';
import { entranceRoutes } from './entrance.tsx';
import { environmentRoutes } from './environments.tsx';
import { actorOf } from './kit/actor.ts';
import { sendFailure } from './kit/failure.tsx';
import { frameOf } from './kit/frame.ts';
import { isNotice, withNotice } from './kit/notices.ts';
import { only } from './kit/roles.ts';
import { sameOrigin } from './kit/same-origin.ts';
import { securityHeaders } from './kit/security-headers.ts';
import { signedIn } from './kit/signed-in.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { serverRoutes } from './servers.tsx';
import { storageRoutes } from './storage.tsx';
import { storageProbeRoutes } from './storage-probe.tsx';
import { userRoutes } from './users.tsx';

/**
 * The pages, for people with a browser: HTML, a session cookie, every change from our own origin. The API's tokens
 * open nothing here. To be mounted last: whatever no other route answers is a page that does not exist.
 */
export function uiRoutes(services: Services, limits: Limits): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();
  ui.use(securityHeaders, sameOrigin(services));
  ui.onError((error, c) => sendFailure(error, c, services));

  ui.route('/', entranceRoutes(services, limits));
  ui.use(signedIn(services, limits));
  ui.route('/', homeRoutes(services));
  ui.route('/', accountRoutes(services));
  ui.route('/', environmentRoutes(services));
  ui.route('/', serverRoutes(services));
  ui.route('/', databaseRoutes(services));
  ui.route('/', databasePageRoutes(services));
  ui.route('/', backupRoutes(services));
  ui.route('/', storageRoutes(services));
  ui.route('/', storageProbeRoutes(services));
  ui.route('/', userRoutes(services));

  ui.all('*', () => {
    throw new AppError('not_found', 'There is no such page.');
  });
  return ui;
}

function homeRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/', only('viewer'), async (c) => {
    const { environment } = await frameOf(c, services);
    const start = environment === null ? '/environments' : `/environments/${environment.id}/databases`;
    const notice = c.req.query('notice');
    return c.redirect(isNotice(notice) ? withNotice(start, notice) : start, 303);
  });

  ui.post('/admin/master-key/confirm', only('admin'), async (c) => {
    await confirmMasterKeyCopy(services, actorOf(c, services));
    return c.redirect(withNotice('/', 'master-key-confirmed'), 303);
  });

  return ui;
}
