import { CEPH, DIGITALOCEAN, HETZNER, LINODE, VULTR } from './ceph-based.ts';
import { AWS, BACKBLAZE, GCS, IDRIVE, OVH, R2, SCALEWAY, STORJ, TIGRIS, WASABI } from './clouds.ts';
import type { Provider } from './provider.ts';
import { GARAGE, MINIO, OTHER, SEAWEEDFS } from './self-hosted.ts';

/** What the form begins with, and what a region without an endpoint means where it is nobody else’s. */
export const DEFAULT_PROVIDER = DIGITALOCEAN;

/** All providers, in the order of the form. The last one stands for every other server. */
export const PROVIDERS: readonly Provider[] = [
  DIGITALOCEAN,
  AWS,
  MINIO,
  BACKBLAZE,
  WASABI,
  R2,
  HETZNER,
  SCALEWAY,
  OVH,
  LINODE,
  VULTR,
  IDRIVE,
  STORJ,
  TIGRIS,
  GCS,
  GARAGE,
  SEAWEEDFS,
  CEPH,
  OTHER,
];

/** The provider at an endpoint (`https://host[:port]` or a bare host), `other` where none is known. */
export function providerOf(endpoint: string): Provider {
  const text = endpoint.includes('://') ? endpoint : `https://${endpoint}`;
  if (!URL.canParse(text)) return OTHER;
  const host = new URL(text).hostname.replace(/\.$/, '');
  return PROVIDERS.find((provider) => provider.host.test(host)) ?? OTHER;
}
