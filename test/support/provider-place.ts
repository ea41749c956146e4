import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROFILE_NAMES, type ProfileName } from '../../dev/bucket/profiles.ts';
import { type DevBucket, startDevBucket } from '../../dev/bucket/server.ts';
import { providerOf } from '../../src/object-stores/providers.ts';
import { openProvider } from './provider-network.ts';
import type { OpenedS3 } from './s3.ts';

export const BUCKET = 'backups';
export const FULL = { accessKey: 'FULLKEY', secretKey: 'full-secret-for-tests' };
export const SCOPED = { accessKey: 'SCOPEDKEY', secretKey: 'scoped-secret-for-tests', buckets: [BUCKET] };
export const NOTHING = {
  accessKey: 'EMPTYKEY',
  secretKey: 'empty-secret-for-tests',
  buckets: [],
  listing: 'own',
} as const;
/** In three parts, which are of 5 MiB here. */
export const LARGE = 10 * 2 ** 20 + 77;

/** Under which endpoint and region each provider is reached. */
export const PLACES: Readonly<Record<ProfileName, { readonly endpoint: string; readonly region: string }>> = {
  digitalocean: { endpoint: 'https://fra1.digitaloceanspaces.com', region: 'fra1' },
  aws: { endpoint: 'https://s3.us-east-1.amazonaws.com', region: 'us-east-1' },
  minio: { endpoint: 'https://minio.example.com:9000', region: 'us-east-1' },
  backblaze: { endpoint: 'https://s3.us-west-004.backblazeb2.com', region: 'us-west-004' },
  wasabi: { endpoint: 'https://s3.eu-central-1.wasabisys.com', region: 'eu-central-1' },
  r2: { endpoint: `https://${'0f'.repeat(16)}.r2.cloudflarestorage.com`, region: 'auto' },
  hetzner: { endpoint: 'https://fsn1.your-objectstorage.com', region: 'fsn1' },
  scaleway: { endpoint: 'https://s3.fr-par.scw.cloud', region: 'fr-par' },
  ovh: { endpoint: 'https://s3.gra.io.cloud.ovh.net', region: 'GRA' },
  linode: { endpoint: 'https://us-iad-10.linodeobjects.com', region: 'us-iad-10' },
  vultr: { endpoint: 'https://ewr1.vultrobjects.com', region: 'ewr1' },
  idrive: { endpoint: 'https://a1b2.ldn.idrivee2-12.com', region: 'anything' },
  storj: { endpoint: 'https://gateway.storjshare.io', region: 'us-east-1' },
  tigris: { endpoint: 'https://t3.storage.dev', region: 'auto' },
  gcs: { endpoint: 'https://storage.googleapis.com', region: 'auto' },
  garage: { endpoint: 'https://garage.example.com', region: 'garage' },
  seaweedfs: { endpoint: 'https://seaweedfs.example.com', region: 'anything' },
  ceph: { endpoint: 'https://ceph.example.com', region: 'us-east-1' },
};
/** Each profile by the name of its provider. */
export const PROFILES = PROFILE_NAMES.map((id) => [titleOf(id), id] as const);

export function titleOf(profile: ProfileName): string {
  return providerOf(PLACES[profile].endpoint).name;
}

/** What the list of buckets gives to a key of the provider that is limited to buckets. */
export function listingOf(profile: ProfileName) {
  return providerOf(PLACES[profile].endpoint).scopedKey.listBuckets;
}

export interface ProviderPlace {
  readonly server: DevBucket;
  /** With the full key. */
  readonly client: OpenedS3;
  /** Another client; ends with the place. */
  as(key: { readonly accessKey: string; readonly secretKey: string }): OpenedS3;
  close(): Promise<void>;
}

/** A development bucket that behaves as the provider, and a client that takes it for the provider. */
export async function startProvider(
  profile: ProfileName,
  bucketRegions: Readonly<Record<string, string>> = {},
): Promise<ProviderPlace> {
  const { endpoint, region } = PLACES[profile];
  const folder = await mkdtemp(join(tmpdir(), `${profile}-`));
  const server = await startDevBucket({
    folder,
    tls: false,
    region: providerOf(endpoint).signingRegion ?? region.toLowerCase(),
    keys: [FULL, scopedKey(profile), NOTHING],
    buckets: [BUCKET, 'others'],
    profile,
    bucketRegions,
  });
  const opened: OpenedS3[] = [];
  const as = ({ accessKey, secretKey }: { readonly accessKey: string; readonly secretKey: string }) => {
    const client = openProvider(server, { endpoint, region, accessKey, secretKey });
    opened.push(client);
    return client;
  };
  return {
    server,
    as,
    client: as(FULL),
    async close() {
      for (const client of opened) await client.close();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function scopedKey(profile: ProfileName) {
  const listing = listingOf(profile);
  return listing === 'own' || listing === 'all' ? { ...SCOPED, listing } : SCOPED;
}
