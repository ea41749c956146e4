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

/** Routes of one resource, in the words of the product. */
export interface ApiGroup {
  /** Of the group's part of an address. */
  readonly name: string;
  readonly title: string;
  readonly routes: readonly ApiRoute[];
}

/** Every route of the API by what it is about, in the order in which an installation is set up. */
export function apiGroups(services: Services) {
  return [
    { name: 'sign-in', title: 'Sign-in', routes: authRoutes(services) },
    {
      name: 'users',
      title: 'Users',
      routes: [...userRoutes(services), ...secondFactorRoutes(services)],
    },
    {
      name: 'tokens',
      title: 'API tokens',
      routes: [...tokenRoutes(services), ...serviceAccountRoutes(services)],
    },
    {
      name: 'environments',
      title: 'Environments',
      routes: [...environmentRoutes(services), ...environmentSettingsRoutes(services)],
    },
    { name: 'servers', title: 'Servers', routes: serverRoutes(services) },
    {
      name: 'databases',
      title: 'Databases',
      routes: [...databaseRoutes(services), ...pingRoutes(services)],
    },
    {
      name: 'backups',
      title: 'Backups',
      routes: [...backupRoutes(services), ...environmentBackupRoutes(services)],
    },
    { name: 'schedules', title: 'Schedules', routes: scheduleRoutes(services) },
    { name: 'retention', title: 'Retention', routes: backupPolicyRoutes(services) },
    {
      name: 'restores',
      title: 'Restores',
      routes: [...restoreRoutes(services), ...restoreLoginRoutes(services)],
    },
    { name: 'drills', title: 'Drills', routes: drillRoutes(services) },
    { name: 'runs', title: 'Runs', routes: runRoutes(services) },
    {
      name: 'storage',
      title: 'Storage',
      routes: [
        ...spacesRoutes(services),
        ...spacesImpactRoutes(services),
        ...spacesPolicyRoutes(services),
        ...leftBehindRoutes(services),
        ...orphanRoutes(services),
      ],
    },
    {
      name: 'notifications',
      title: 'Notifications',
      routes: [
        ...notificationRoutes(services),
        ...mailRoutes(services),
        ...notificationChannelRoutes(services),
        ...webhookRoutes(services),
      ],
    },
    { name: 'audit-log', title: 'Audit log', routes: auditLogRoutes(services) },
    {
      name: 'system',
      title: 'System',
      routes: [...systemSettingsRoutes(services), ...installationRoutes(services)],
    },
    { name: 'single-sign-on', title: 'Single sign-on', routes: oidcRoutes(services) },
  ] as const satisfies readonly ApiGroup[];
}

/** Every route of the API, of all its groups. */
export function routesOf(groups: readonly ApiGroup[]): readonly ApiRoute[] {
  return groups.flatMap(({ routes }): readonly ApiRoute[] => routes);
}
