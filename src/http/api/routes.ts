import type { Services } from '../../services-port.ts';
import type { ApiRoute } from '../route.ts';
import { auditLogRoutes } from './audit-logs.ts';
import { authRoutes } from './auth.ts';
import { backupPolicyRoutes } from './backup-policies.ts';
import { backupRoutes } from './backups.ts';
import { databaseRoutes } from './databases.ts';
import { drillRoutes } from './drills.ts';
import { environmentBackupRoutes } from './environment-backups.ts';
import { environmentSettingsRoutes } from './environment-settings.ts';
import { environmentRoutes } from './environments.ts';
import { installationRoutes } from './installation.ts';
import { leftBehindRoutes } from './left-behind.ts';
import { mailRoutes } from './mail.ts';
import { notificationChannelRoutes } from './notification-channels.ts';
import { notificationRoutes } from './notifications.ts';
import { oidcRoutes } from './oidc.ts';
import { orphanRoutes } from './orphans.ts';
import { pingRoutes } from './pings.ts';
import { restoreLoginRoutes } from './restore-logins.ts';
import { restoreRoutes } from './restores.ts';
import { runRoutes } from './runs.ts';
import { scheduleRoutes } from './schedules.ts';
import { secondFactorRoutes } from './second-factor.ts';
import { serverRoutes } from './servers.ts';
import { serviceAccountRoutes } from './service-accounts.ts';
import { spacesRoutes } from './spaces.ts';
import { spacesImpactRoutes } from './spaces-impact.ts';
import { spacesPolicyRoutes } from './spaces-policy.ts';
import { systemSettingsRoutes } from './system-settings.ts';
import { tokenRoutes } from './tokens.ts';
import { userRoutes } from './users.ts';
import { webhookRoutes } from './webhooks.ts';

/** Every route of the API, in the order of the contract. */
export function apiRoutes(services: Services): readonly ApiRoute[] {
  return [
    ...authRoutes(services),
    ...userRoutes(services),
    ...secondFactorRoutes(services),
    ...tokenRoutes(services),
    ...serviceAccountRoutes(services),
    ...environmentRoutes(services),
    ...environmentSettingsRoutes(services),
    ...serverRoutes(services),
    ...databaseRoutes(services),
    ...backupRoutes(services),
    ...environmentBackupRoutes(services),
    ...scheduleRoutes(services),
    ...pingRoutes(services),
    ...backupPolicyRoutes(services),
    ...spacesRoutes(services),
    ...spacesImpactRoutes(services),
    ...spacesPolicyRoutes(services),
    ...systemSettingsRoutes(services),
    ...oidcRoutes(services),
    ...notificationRoutes(services),
    ...mailRoutes(services),
    ...notificationChannelRoutes(services),
    ...webhookRoutes(services),
    ...installationRoutes(services),
    ...leftBehindRoutes(services),
    ...orphanRoutes(services),
    ...restoreRoutes(services),
    ...restoreLoginRoutes(services),
    ...drillRoutes(services),
    ...runRoutes(services),
    ...auditLogRoutes(services),
  ];
}
