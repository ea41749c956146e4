import * as z from 'zod';
import { findOrphans, removeOrphan } from '../../retention/orphans.ts';
import type { Services } from '../../services-port.ts';
import { route } from '../route.ts';
import { id, SUCCESS, success } from './shapes.ts';

const place = { bucket: z.string(), key: z.string() };

/** What lies in the storage and nobody knows, and what is known and does not lie there. */
export function orphanRoutes(services: Services) {
  return [
    route({
      method: 'GET',
      path: '/api/settings/spaces/orphans',
      access: 'admin',
      summary:
        'Objects under prefixes of ours that no backup knows, and backups whose object is gone; changes nothing',
      answer: z.object({
        orphans: z.array(z.object({ ...place, modifiedAt: z.string() })),
        missing: z.array(z.object({ backupId: id, databaseId: id, ...place })),
        notLookedAt: z.array(z.string()),
      }),
      handle: async ({ signal }) => findOrphans(services, signal),
    }),
    route({
      method: 'POST',
      path: '/api/settings/spaces/orphans/remove',
      access: 'admin',
      summary: 'Have one such object removed, in the background',
      body: z.object({ bucket: z.string().min(1).max(255), key: z.string().min(1).max(1024) }),
      answer: success,
      refusals: [404, 409],
      handle: async ({ actor, body, signal }) => {
        await removeOrphan(services, actor, body, signal);
        return SUCCESS;
      },
    }),
  ] as const;
}
