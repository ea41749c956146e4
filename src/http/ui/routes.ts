import { Hono } from 'hono';
import { AppError } from '../../errors.ts';
import { hideNextSteps } from '../../installation/next-steps.ts';
import type { Services } from '../../services-port.ts';
import type { Limits } from '../rate-limit.ts';
import type { Readiness } from '../readiness.ts';
import { accountRoutes } from './account.tsx';
import { auditRoutes } from './audit.tsx';
import { backupPageRoutes } from './backup-page.tsx';
import { backupRoutes } from './backups.ts';
import { channelEditRoutes } from './channel-edit.tsx';
import { databasePageRoutes } from './database.tsx';
import { databaseDrillRoutes } from './database-drills.tsx';
import { databaseListRoutes } from './database-list.tsx';
import { databaseScheduleRoutes } from './database-schedule.tsx';
import { databaseRoutes } from './databases.tsx';
import { deepTestRoutes } from './deep-test.tsx';
import { drillRoutes } from './drills.tsx';
import { drillsUnderWayRoutes } from './drills-under-way.tsx';
import { entranceRoutes } from './entrance.tsx';
import { environmentRoutes } from './environments.tsx';
import { findDatabaseRoutes } from './find-databases.tsx';
import { firstContactRoutes } from './first-contact.tsx';
import { hostRoutes } from './hosts.tsx';
import { actorOf } from './kit/actor.ts';
import { sendFailure } from './kit/failure.tsx';
import { goTo } from './kit/flash.ts';
import { readerOf } from './kit/reader.ts';
import { only } from './kit/roles.ts';
import { sameOrigin } from './kit/same-origin.ts';
import { securityHeaders } from './kit/security-headers.ts';
import { signedIn } from './kit/signed-in.tsx';
import type { UiEnv } from './kit/ui-env.ts';
import { masterKeyRoutes } from './master-key.tsx';
import { notificationPageRoutes } from './notification-page.tsx';
import { notificationTypeRoutes } from './notification-types.tsx';
import { notificationWayRoutes } from './notification-ways.tsx';
import { notificationRoutes } from './notifications.tsx';
import { overviewRoutes } from './overview.tsx';
import { type DescribedApi, referenceRoutes } from './reference.tsx';
import { restoreLoginRoutes } from './restore-logins.tsx';
import { restoreRenameRoutes } from './restore-rename.tsx';
import { restoreRunRoutes } from './restore-run.tsx';
import { restoreRoutes } from './restores.tsx';
import { inPlaceRoutes } from './restores-in-place.tsx';
import { retentionRoutes } from './retention.tsx';
import { runAddressRoutes } from './run-address.ts';
import { runRoutes } from './runs.tsx';
import { scheduleRoutes } from './schedules.tsx';
import { secondFactorRoutes } from './second-factor.tsx';
import { selectedBackupRoutes } from './selected-backups.ts';
import { selectedDatabaseRoutes } from './selected-databases.tsx';
import { serverBlackoutRoutes } from './server-blackouts.tsx';
import { serverRoutes } from './servers.tsx';
import { serviceAccountRoutes } from './service-accounts.tsx';
import { singleSignOnRoutes } from './single-sign-on.tsx';
import { storageRoutes } from './storage.tsx';
import { systemRoutes } from './system.tsx';
import { themeRoutes } from './theme.tsx';
import { tokenRoutes } from './tokens.tsx';
import { userRoutes } from './users.tsx';
import { webhookRoutes } from './webhooks.tsx';
import { weeklyReportRoutes } from './weekly-report.tsx';

/** What the pages show of the app beside them. */
interface RestOfApp extends DescribedApi {
  readonly readiness: () => Promise<Readiness>;
}

/**
 * The pages, for people with a browser: HTML, a session cookie, every change from our own origin. The API's tokens
 * open nothing here. To be mounted last: whatever no other route answers is a page that does not exist.
 */
export function uiRoutes(services: Services, limits: Limits, rest: RestOfApp): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();
  ui.use(securityHeaders, readerOf(services), sameOrigin(services));
  ui.onError((error, c) => sendFailure(error, c, services));

  ui.route('/', entranceRoutes(services, limits, ui));
  ui.route('/', referenceRoutes(services, limits, rest));
  ui.use(signedIn(services, limits));
  ui.route('/', overviewRoutes(services));
  ui.route('/', runRoutes(services));
  ui.route('/', runAddressRoutes(services));
  ui.route('/', smallRoutes(services));
  ui.route('/', themeRoutes(services));
  ui.route('/', accountRoutes(services));
  ui.route('/', secondFactorRoutes(services));
  ui.route('/', environmentRoutes(services));
  ui.route('/', hostRoutes(services));
  ui.route('/', serverRoutes(services));
  ui.route('/', firstContactRoutes(services));
  ui.route('/', serverBlackoutRoutes(services));
  ui.route('/', restoreLoginRoutes(services));
  ui.route('/', databaseListRoutes(services));
  ui.route('/', selectedDatabaseRoutes(services));
  ui.route('/', findDatabaseRoutes(services));
  ui.route('/', databaseRoutes(services));
  ui.route('/', databasePageRoutes(services));
  ui.route('/', selectedBackupRoutes(services));
  ui.route('/', databaseScheduleRoutes(services));
  ui.route('/', databaseDrillRoutes(services));
  ui.route('/', drillRoutes(services));
  ui.route('/', retentionRoutes(services));
  ui.route('/', backupRoutes(services));
  ui.route('/', backupPageRoutes(services));
  ui.route('/', restoreRenameRoutes(services));
  ui.route('/', restoreRoutes(services));
  ui.route('/', restoreRunRoutes(services));
  ui.route('/', inPlaceRoutes(services));
  ui.route('/', scheduleRoutes(services));
  ui.route('/', storageRoutes(services));
  ui.route('/', deepTestRoutes(services));
  ui.route('/', notificationRoutes(services));
  ui.route('/', notificationWayRoutes(services));
  ui.route('/', channelEditRoutes(services));
  ui.route('/', notificationTypeRoutes(services));
  ui.route('/', weeklyReportRoutes(services));
  ui.route('/', webhookRoutes(services));
  ui.route('/', notificationPageRoutes(services));
  ui.route('/', drillsUnderWayRoutes(services));
  ui.route('/', userRoutes(services));
  ui.route('/', tokenRoutes(services));
  ui.route('/', serviceAccountRoutes(services));
  ui.route('/', auditRoutes(services));
  ui.route('/', systemRoutes(services, rest.readiness));
  ui.route('/', masterKeyRoutes(services));
  ui.route('/', singleSignOnRoutes(services));

  ui.all('*', () => {
    throw new AppError('not_found', 'There is no such page.');
  });
  return ui;
}

/** What the frame's own forms do. */
function smallRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.post('/next-steps/hide', only('admin'), async (c) => {
    await hideNextSteps(services, actorOf(c, services));
    return goTo(c, services, '/', 'next-steps-hidden');
  });

  return ui;
}
