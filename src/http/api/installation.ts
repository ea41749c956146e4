import * as z from 'zod';
import { manifestPublicKey } from '../../backups/manifest.ts';
import type { Services } from '../../services-port.ts';
import { route } from '../route.ts';

export function installationRoutes(services: Services) {
  return [
    route({
      method: 'GET',
      path: '/api/installation/public-key',
      access: 'viewer',
      summary: 'The key by which anybody can check the manifests of this installation',
      answer: z.object({ algorithm: z.literal('Ed25519'), publicKey: z.string() }),
      handle: async () => ({
        algorithm: 'Ed25519' as const,
        publicKey: await manifestPublicKey(services),
      }),
    }),
  ] as const;
}
