import { createUser, type User } from '../../src/auth/users.ts';
import type { Services } from '../../src/services-port.ts';
import { newRandom } from '../random.ts';
import { fillAround } from './around.ts';
import { fillBackups } from './backups.ts';
import { fillCatalog } from './catalog.ts';
import { fillDrills } from './drills.ts';
import { fillLogs } from './logs.ts';
import { fillNews } from './news.ts';
import { fillPeople } from './people.ts';
import type { Size } from './size.ts';

export const LOGIN = { email: 'owner@example.com', password: 'large-installation-47-otters' } as const;

/**
 * Makes an installation as years of use leave it: through the use cases where people make one thing at a time, as rows
 * where there are very many. Every host and storage in it is an address of this
 * machine at which nothing listens. Gives its admin. To be called on an empty database.
 */
export async function fill(services: Services, size: Size): Promise<User> {
  const random = newRandom(size.databases);
  const admin = await createUser(
    services,
    { userId: null, address: null },
    { ...LOGIN, name: 'Admin', role: 'admin' },
  );
  const actor = { userId: admin.id, address: '127.0.0.1' };
  const databases = await fillCatalog(services, actor, size);
  const backups = await fillBackups(services, { databases, count: size.backups, admin, random });
  await fillAround(services, { databases, backups, admin, random });
  await fillDrills(services, { databases, admin, random });
  await fillLogs(services, random);
  const told = await fillPeople(services, actor, { size, admin });
  await fillNews(services, { databases, told, backups: size.backups, random });
  return admin;
}
