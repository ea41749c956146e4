import { type KeyPolicy, USUAL_CLICKS } from './key-policy.ts';

/**
 * What differs between S3-compatible storages. The regions only fill a drop-down: the field itself takes any text,
 * since providers open new ones.
 */
export interface Provider {
  readonly id: string;
  readonly name: string;
  /** What the endpoint looks like; `{region}` and `{account}` are filled in. */
  readonly endpointPattern: string;
  /** Recognises the provider by the endpoint's whole host name, in lower case. */
  readonly host: RegExp;
  /** Finds a bucket that was typed in front of the endpoint: groups `bucket` and `endpoint`. Null where nothing tells. */
  readonly bucketHost: RegExp | null;
  /** The endpoint to enter in that region where one was found behind a bucket; null: the one that was found. */
  readonly behindBucket: ((endpoint: string, region: string) => string) | null;
  /**
   * What tells apart whose keys may be used at another endpoint of the provider, by its host name: where it is the same,
   * both are one account's. Null for servers of one's own, each of which is somebody else's.
   */
  readonly accountOf: ((host: string) => string) | null;
  /** The host is made of nothing but the account's id, which the form then asks for. */
  readonly hostIsAccount: boolean;
  /** The id of an account where it alone is typed as endpoint. Null where nothing tells it. */
  readonly accountPattern: RegExp | null;
  /** What the host of an account lies under, and what is no account's; null where there is none. */
  readonly bareHost: string | null;
  /** A host of its CDN, which serves a bucket and takes none: groups `bucket` and `region`. Null where nothing tells. */
  readonly cdnHost: RegExp | null;
  /** Where any endpoint becomes the one of the region that is entered. Null where it stays as it is typed. */
  readonly byRegion: ByRegion | null;
  /** The first part of a bucket's name in a policy, behind `arn:`. */
  readonly partitionOf: (region: string) => string;
  readonly regions: readonly Region[];
  readonly defaultRegion: string;
  /** The region in signatures, where it isn't the configured one. */
  readonly signingRegion: string | null;
  readonly addressing: 'path' | 'virtual-host';
  readonly parts: PartLimits;
  /** Whether PUT and Complete honour `If-None-Match: *`. */
  readonly ifNoneMatch: boolean;
  /** `md5`: a multipart ETag is the MD5 of the parts' MD5s; `opaque`: it says nothing. */
  readonly multipartEtag: 'md5' | 'opaque';
  /** False where `x-amz-meta-*` of an object in parts may be lost: then its size has to tell that it is ours. */
  readonly keepsMetadata: boolean;
  /** Complete takes the object's size in `x-amz-mp-object-size`, and refuses another one. */
  readonly checksObjectSize: boolean;
  /** A refusal names the bucket's region, which requests for it are then sent to. */
  readonly namesRegion: boolean;
  /** Keys that are limited by clicks can be limited to a prefix, not only to buckets. */
  readonly limitsKeysToPrefix: boolean;
  /** Only an admin's token may list buckets; others get 401, as wrong ones do. */
  readonly adminsListBuckets: boolean;
  readonly scopedKey: ScopedKey;
  /** `always`: a DELETE without a version only hides the object. `optional`: where the bucket's owner switched it on. */
  readonly versions: 'always' | 'optional' | 'never';
  /** Days that an object is paid for at least, deleted or not, in the usual storage class. */
  readonly minimumDays: number;
  /** What it takes as `x-amz-server-side-encryption`, as far as known; nothing is ever sent unless an admin asks for it. */
  readonly encryption: readonly ('AES256' | 'aws:kms')[];
  /** Hours after which the storage drops an unfinished upload by itself, counted from its start; null for never or months. */
  readonly dropsUploadsAfterHours: number | null;
  /** How an overloaded storage answers; each is tried again. */
  readonly throttling: readonly Throttling[];
  /** Uploads need a new connection each: a busy server answers 503 on the old one again and again. */
  readonly freshConnections: boolean;
  /** How a key gets the least that it needs. */
  readonly policy: KeyPolicy;
  /** A sentence for the form, or null. */
  readonly note: string | null;
  /** Where each group of values comes from. */
  readonly evidence: Readonly<Record<Fact, Evidence>>;
}

/**
 * `D` vendor documentation, `S` source code of the server or of a well-known client, `I` issue reports,
 * `M` measured against the software itself, `K` common knowledge that nobody has verified.
 */
export type Evidence = 'D' | 'S' | 'I' | 'M' | 'K';

export const FACTS = [
  'address',
  'parts',
  'multipartEtag',
  'scopedKey',
  'versions',
  'minimumDays',
  'throttling',
] as const;
export type Fact = (typeof FACTS)[number];

export interface Region {
  readonly code: string;
  readonly location: string;
}

/** How endpoints and regions belong together. */
export interface ByRegion {
  /** Whose regions they are, as a sentence calls it. */
  readonly owner: string;
  readonly isRegion: (text: string) => boolean;
  /** The region that an endpoint names, or null. */
  readonly regionIn: (host: string) => string | null;
  /** The endpoint in that region for another one; null for one that stays where it is. */
  readonly hostIn: (host: string, region: string) => string | null;
}

export interface PartLimits {
  readonly maxParts: number;
  /** Smallest part, but for the last. */
  readonly minPartBytes: number;
  readonly maxPartBytes: number;
  /** All parts but the last must have the same size. */
  readonly equal: boolean;
  readonly maxInFlight: number;
  /** Largest object that the provider takes. */
  readonly maxObjectBytes: number;
}

/** What a key for some buckets only gets to see. */
export interface ScopedKey {
  /** Answer to ListBuckets: a 403, a list of its own buckets, which may be empty, or of all. `none`: there are no such keys. */
  readonly listBuckets: 'denied' | 'own' | 'all' | 'none';
  /** Answer for an object that isn't there: 404, or 403 as if it were forbidden. */
  readonly missingObject: 404 | 403;
}

export interface Throttling {
  readonly status: number;
  readonly code: string;
}

export const MIB = 2 ** 20;
export const GIB = 2 ** 30;
export const TIB = 2 ** 40;
/** As vendors write TB. */
export const TB = 1e12;

const PARTS: PartLimits = {
  maxParts: 10_000,
  minPartBytes: 5 * MIB,
  maxPartBytes: 5 * GIB,
  equal: false,
  maxInFlight: 4,
  maxObjectBytes: 5 * TIB,
};

export const SLOW_DOWN: Throttling = { status: 503, code: 'SlowDown' };
export const TOO_MANY: Throttling = { status: 429, code: 'TooManyRequests' };

/** What most have in common; every entry overrides what it knows better. */
export const COMMON = {
  signingRegion: null,
  behindBucket: null,
  addressing: 'path',
  parts: PARTS,
  ifNoneMatch: false,
  multipartEtag: 'md5',
  keepsMetadata: true,
  hostIsAccount: false,
  accountPattern: null,
  bareHost: null,
  cdnHost: null,
  byRegion: null,
  partitionOf: () => 'aws',
  checksObjectSize: false,
  namesRegion: false,
  limitsKeysToPrefix: false,
  adminsListBuckets: false,
  scopedKey: { listBuckets: 'denied', missingObject: 404 },
  versions: 'optional',
  minimumDays: 0,
  encryption: [],
  dropsUploadsAfterHours: null,
  throttling: [SLOW_DOWN],
  freshConnections: false,
  policy: USUAL_CLICKS,
  note: null,
} as const;

/** The usual limits of parts, with what differs. */
export function parts(overrides: Partial<PartLimits>): PartLimits {
  return { ...PARTS, ...overrides };
}

/** Evidence as one word in the order of `FACTS`, such as `DDSIKKD`. */
export function evidence(letters: string): Readonly<Record<Fact, Evidence>> {
  const at = (index: number): Evidence => {
    const letter = letters[index];
    return letter === 'D' || letter === 'S' || letter === 'I' || letter === 'M' ? letter : 'K';
  };
  return {
    address: at(0),
    parts: at(1),
    multipartEtag: at(2),
    scopedKey: at(3),
    versions: at(4),
    minimumDays: at(5),
    throttling: at(6),
  };
}

/** Keys of a hosted storage are known at all of its endpoints. */
export const oneForAll = () => '';

/** Both patterns of a hosted storage, whose endpoints are spelled as the source of a regular expression. */
export function hosts(endpoint: string): Pick<Provider, 'host' | 'bucketHost' | 'accountOf'> {
  return {
    accountOf: oneForAll,
    host: new RegExp(`^(?:${endpoint})$`),
    bucketHost: new RegExp(`^(?<bucket>.+?)\\.(?<endpoint>${endpoint})$`),
  };
}

/** A server of one's own, recognised by a label of its host name; its buckets can't be told from its name. */
export function ownHost(labels: string): Pick<Provider, 'host' | 'bucketHost' | 'accountOf'> {
  return { host: new RegExp(`^(?:.+\\.)?(?:${labels})(?:\\..+)?$`), bucketHost: null, accountOf: null };
}

/** `code Location, code Location`. */
export function regions(list: string): readonly Region[] {
  return list.split(', ').map((entry) => {
    const space = entry.indexOf(' ');
    return { code: entry.slice(0, space), location: entry.slice(space + 1) };
  });
}
