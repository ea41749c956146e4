import type { Profile, ProfileSettings } from './profile.ts';
import { ceph, digitalocean, hetzner, linode, vultr } from './profiles/ceph-based.ts';
import { aws, backblaze, gcs, idrive, ovh, r2, scaleway, storj, tigris, wasabi } from './profiles/clouds.ts';
import { garage, minio, seaweedfs } from './profiles/self-hosted.ts';

interface Entry {
  readonly create: (settings: ProfileSettings) => Profile;
  /** What the profile does of its own, for the compatibility page; null where nothing is known beyond what all do. */
  readonly behaviour: string | null;
}

/** By the provider's id: what is known of its behaviour, from its documentation and from reports. */
const PROFILES = {
  digitalocean: { create: digitalocean, behaviour: 'a separator that came encoded is signed differently' },
  aws: {
    create: aws,
    behaviour: 'a bucket elsewhere is told with its region, by 301 or 400; a Complete may fail after its 200',
  },
  minio: { create: minio, behaviour: 'uploads older than a day are swept away; sheds load from uploads' },
  backblaze: {
    create: backblaze,
    behaviour:
      'keeps every version; a limited key gets 403 for HeadBucket and for what is not there; goes on being busy on a connection',
  },
  wasabi: { create: wasabi, behaviour: 'sheds load with 400' },
  r2: {
    create: r2,
    behaviour: 'equal parts only; wrong keys are 401; headers that it does not know are 501',
  },
  hetzner: { create: hetzner, behaviour: 'refuses bodies in signed chunks' },
  scaleway: { create: scaleway, behaviour: '1,000 parts' },
  ovh: { create: ovh, behaviour: 'the region of the host must be signed' },
  linode: {
    create: linode,
    behaviour:
      'a limited key lists every bucket; an Abort after a Complete leaves a ghost; encoded keys are listed without saying so; the region of the host must be signed',
  },
  vultr: {
    create: vultr,
    behaviour:
      'no limited keys; an Abort after a Complete leaves a ghost; encoded keys are listed without saying so; the region of the host must be signed',
  },
  idrive: { create: idrive, behaviour: null },
  storj: { create: storj, behaviour: 'an object in parts loses its metadata' },
  tigris: { create: tigris, behaviour: 'buckets are sub-domains; sheds load with 408' },
  gcs: {
    create: gcs,
    behaviour: 'a signed Accept-Encoding does not match; the ETag of an object in parts is no MD5',
  },
  garage: { create: garage, behaviour: 'the exact region must be signed; requests about versions are 501' },
  seaweedfs: { create: seaweedfs, behaviour: 'the ETag of an object in parts is no MD5' },
  ceph: {
    create: ceph,
    behaviour: 'an Abort after a Complete leaves a ghost; encoded keys are listed without saying so',
  },
} as const satisfies Readonly<Record<string, Entry>>;

export type ProfileName = keyof typeof PROFILES;

export const PROFILE_NAMES: readonly ProfileName[] = Object.keys(PROFILES).filter(isProfileName);

export function isProfileName(text: string): text is ProfileName {
  return Object.hasOwn(PROFILES, text);
}

/** A fresh profile, by the provider's id. */
export function createProfile(name: ProfileName, settings: ProfileSettings): Profile {
  return PROFILES[name].create(settings);
}

/** What the profile of a provider does of its own; null where it only does what all have in common. */
export function behaviourOf(name: ProfileName): string | null {
  return PROFILES[name].behaviour;
}
