import type { GatewayPlace } from '../ceph.ts';
import { openRgw, type Rgw, removeUsers } from '../rgw.ts';
import { askForShared, ownSuffix } from './ask.ts';

/** The run's Ceph gateway, in a tenant of this test file: its users and buckets have the names they always have. */
export async function sharedRgw(): Promise<Rgw> {
  const { place, keySuffix } = await findGateway();
  const tenant = `t${keySuffix.toLowerCase()}`;
  return { ...(await openRgw(place, { tenant, keySuffix })), stop: async () => {} };
}

/**
 * The same without a tenant, for the one test file whose policy names users as they are without one. Its `stop` removes
 * the users and their buckets.
 */
export async function sharedRgwWithoutTenant(): Promise<Rgw> {
  const { place, keySuffix } = await findGateway();
  const users = ['full', 'scoped'];
  const rgw = await openRgw(place, { tenant: '', keySuffix });
  return {
    ...rgw,
    createUser(name) {
      users.push(name);
      return rgw.createUser(name);
    },
    stop: () => removeUsers(place, users),
  };
}

async function findGateway() {
  return {
    place: await askForShared<GatewayPlace>('gateway'),
    keySuffix: ownSuffix().toUpperCase(),
  };
}
