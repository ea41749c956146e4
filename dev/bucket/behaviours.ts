import type { ProfileName } from './profiles.ts';

interface Behaviour {
  /** As in "a storage that …". */
  readonly name: string;
  /** Whose profile the whole contract of an object store is run against. */
  readonly by: ProfileName;
  /** Profiles that behave the same as far as storing and reading go; each has a smoke case of its own. */
  readonly alsoOf: readonly ProfileName[];
}

/** The ways in which storages differ where an object is stored, read, given up or removed. */
export const BEHAVIOURS: readonly Behaviour[] = [
  {
    name: 'differs in requests only that the client never sends',
    by: 'digitalocean',
    alsoOf: ['minio', 'hetzner', 'scaleway', 'idrive'],
  },
  {
    name: 'takes parts of one size only, makes an ETag of its own of them, and refuses headers that it does not know',
    by: 'r2',
    alsoOf: [],
  },
  { name: 'loses the metadata of an object in parts', by: 'storj', alsoOf: [] },
  { name: 'has its buckets as sub-domains, and sheds load with 408', by: 'tigris', alsoOf: [] },
  { name: 'gives objects in parts an ETag that says nothing', by: 'gcs', alsoOf: ['seaweedfs', 'garage'] },
  { name: 'keeps every version, and answers 403 for what is not there', by: 'backblaze', alsoOf: [] },
  {
    name: 'lists keys encoded without saying so, keeps ghosts, and wants the region of the host signed',
    by: 'linode',
    alsoOf: ['ceph', 'vultr', 'ovh'],
  },
  { name: 'may fail after the 200 of a Complete', by: 'aws', alsoOf: [] },
  { name: 'sheds load with 400', by: 'wasabi', alsoOf: [] },
];

/** Whose profile the contract is run against for that one. */
export function contractOf(profile: ProfileName): ProfileName {
  const found = BEHAVIOURS.find(({ by, alsoOf }) => by === profile || alsoOf.includes(profile));
  if (found === undefined) throw new Error(`no behaviour is that of ${profile}`);
  return found.by;
}
