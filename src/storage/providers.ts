import { AppError } from '../errors.ts';

/**
 * What differs between S3-compatible storages. One entry per provider; the last one stands for every other server.
 * The regions only fill a drop-down: the field itself takes any text, since providers open new ones.
 */
export interface Provider {
  readonly id: string;
  readonly name: string;
  /** What the endpoint looks like; `{region}` and `{account}` are filled in. */
  readonly endpointPattern: string;
  /** Recognises the provider by the endpoint's host name. */
  readonly host: RegExp;
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
  /** Uploads need a new connection each: a busy server answers 503 on the old one again and again. */
  readonly freshConnections: boolean;
  /** A sentence for the form, or null. */
  readonly note: string | null;
}

export interface Region {
  readonly code: string;
  readonly location: string;
}

export interface PartLimits {
  readonly maxParts: number;
  /** All parts but the last must have the same size. */
  readonly equal: boolean;
  readonly maxInFlight: number;
  /** Largest object that the provider takes. */
  readonly maxObjectBytes: number;
}

const TIB = 2 ** 40;
const COMMON_PARTS: PartLimits = {
  maxParts: 10_000,
  equal: false,
  maxInFlight: 4,
  maxObjectBytes: 5 * TIB,
};

const COMMON = {
  signingRegion: null,
  addressing: 'path',
  parts: COMMON_PARTS,
  ifNoneMatch: false,
  multipartEtag: 'md5',
  freshConnections: false,
  note: null,
} as const;

const DIGITALOCEAN: Provider = {
  ...COMMON,
  id: 'digitalocean',
  name: 'DigitalOcean Spaces',
  endpointPattern: '{region}.digitaloceanspaces.com',
  host: /(^|\.)digitaloceanspaces\.com$/,
  defaultRegion: 'fra1',
  regions: regions(
    'fra1 Frankfurt, nyc3 New York, sfo3 San Francisco, ams3 Amsterdam, sgp1 Singapore, syd1 Sydney, lon1 London, tor1 Toronto, blr1 Bangalore, sfo2 San Francisco 2',
  ),
};

const AWS: Provider = {
  ...COMMON,
  id: 'aws',
  name: 'AWS S3',
  endpointPattern: 's3.{region}.amazonaws.com',
  host: /(^|\.)amazonaws\.com(\.cn)?$/,
  defaultRegion: 'us-east-1',
  regions: regions(
    'us-east-1 N. Virginia, us-east-2 Ohio, us-west-1 N. California, us-west-2 Oregon, ca-central-1 Canada, eu-central-1 Frankfurt, eu-west-1 Ireland, eu-west-2 London, eu-west-3 Paris, eu-north-1 Stockholm, eu-south-1 Milan, ap-south-1 Mumbai, ap-southeast-1 Singapore, ap-southeast-2 Sydney, ap-northeast-1 Tokyo, ap-northeast-2 Seoul, sa-east-1 São Paulo',
  ),
  ifNoneMatch: true,
};

const MINIO: Provider = {
  ...COMMON,
  id: 'minio',
  name: 'MinIO',
  endpointPattern: 'minio.example.com',
  host: /(^|\.)minio\./,
  defaultRegion: 'us-east-1',
  regions: [],
  ifNoneMatch: true,
  note: 'Needs a certificate that this machine trusts. MinIO drops an upload that takes longer than a day unless stale_uploads_expiry is raised.',
};

const BACKBLAZE: Provider = {
  ...COMMON,
  id: 'backblaze',
  name: 'Backblaze B2',
  endpointPattern: 's3.{region}.backblazeb2.com',
  host: /(^|\.)backblazeb2\.com$/,
  defaultRegion: 'us-west-004',
  regions: regions(
    'us-west-000 US West, us-west-001 US West, us-west-002 US West, us-west-004 US West, us-east-005 US East, eu-central-003 Amsterdam, ca-east-006 Toronto',
  ),
  freshConnections: true,
  note: 'The master key does not work here: create an application key. Its buckets keep old versions.',
};

const WASABI: Provider = {
  ...COMMON,
  id: 'wasabi',
  name: 'Wasabi',
  endpointPattern: 's3.{region}.wasabisys.com',
  host: /(^|\.)wasabisys\.com$/,
  defaultRegion: 'us-east-1',
  regions: regions(
    'us-east-1 N. Virginia, us-east-2 N. Virginia 2, us-central-1 Texas, us-west-1 Oregon, ca-central-1 Toronto, eu-central-1 Amsterdam, eu-central-2 Frankfurt, eu-west-1 London, eu-west-2 Paris, eu-west-3 London 2, eu-south-1 Milan, ap-northeast-1 Tokyo, ap-northeast-2 Osaka, ap-southeast-1 Singapore, ap-southeast-2 Sydney',
  ),
  note: 'The region must be the one in which the bucket was created.',
};

const R2: Provider = {
  ...COMMON,
  id: 'r2',
  name: 'Cloudflare R2',
  endpointPattern: '{account}.r2.cloudflarestorage.com',
  host: /(^|\.)r2\.cloudflarestorage\.com$/,
  defaultRegion: 'auto',
  regions: regions('auto Automatic'),
  signingRegion: 'auto',
  // Parts of unequal size are refused only at the very end (InvalidPart 10048).
  parts: { ...COMMON_PARTS, equal: true, maxInFlight: 3, maxObjectBytes: 4.995 * TIB },
  multipartEtag: 'opaque',
  note: 'Use a token for the bucket and name the bucket; only an admin token may list buckets.',
};

const SCALEWAY: Provider = {
  ...COMMON,
  id: 'scaleway',
  name: 'Scaleway',
  endpointPattern: 's3.{region}.scw.cloud',
  host: /(^|\.)scw\.cloud$/,
  defaultRegion: 'fr-par',
  regions: regions('fr-par Paris, nl-ams Amsterdam, pl-waw Warsaw'),
  parts: { ...COMMON_PARTS, maxParts: 1_000 },
};

const HETZNER: Provider = {
  ...COMMON,
  id: 'hetzner',
  name: 'Hetzner Object Storage',
  endpointPattern: '{region}.your-objectstorage.com',
  host: /(^|\.)your-objectstorage\.com$/,
  defaultRegion: 'fsn1',
  regions: regions('fsn1 Falkenstein, nbg1 Nuremberg, hel1 Helsinki'),
};

const OVH: Provider = {
  ...COMMON,
  id: 'ovh',
  name: 'OVHcloud',
  endpointPattern: 's3.{region}.io.cloud.ovh.net',
  host: /(^|\.)io\.cloud\.ovh\.(net|us)$/,
  defaultRegion: 'gra',
  regions: regions(
    'gra Gravelines, rbx Roubaix, sbg Strasbourg, de Frankfurt, uk London, waw Warsaw, bhs Beauharnois, eu-west-par Paris',
  ),
};

const LINODE: Provider = {
  ...COMMON,
  id: 'linode',
  name: 'Linode / Akamai',
  endpointPattern: '{region}.linodeobjects.com',
  host: /(^|\.)linodeobjects\.com$/,
  defaultRegion: 'us-east-1',
  regions: [],
};

const TIGRIS: Provider = {
  ...COMMON,
  id: 'tigris',
  name: 'Tigris',
  endpointPattern: 't3.storage.dev',
  host: /(^|\.)(t3\.storage\.dev|fly\.storage\.tigris\.dev)$/,
  defaultRegion: 'auto',
  regions: regions('auto Automatic'),
  signingRegion: 'auto',
  addressing: 'virtual-host',
};

const STORJ: Provider = {
  ...COMMON,
  id: 'storj',
  name: 'Storj',
  endpointPattern: 'gateway.storjshare.io',
  host: /(^|\.)storjshare\.io$/,
  defaultRegion: 'us-east-1',
  regions: [],
};

const GCS: Provider = {
  ...COMMON,
  id: 'gcs',
  name: 'Google Cloud Storage (HMAC keys)',
  endpointPattern: 'storage.googleapis.com',
  host: /^storage\.googleapis\.com$/,
  defaultRegion: 'auto',
  regions: regions('auto Automatic'),
  multipartEtag: 'opaque',
};

const OTHER: Provider = {
  ...COMMON,
  id: 'other',
  name: 'Another S3-compatible storage',
  endpointPattern: 's3.example.com',
  host: /^/,
  defaultRegion: 'us-east-1',
  regions: [],
  multipartEtag: 'opaque',
};

/** All providers, in the order of the form. */
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
  TIGRIS,
  STORJ,
  GCS,
  OTHER,
];

/** The provider at an endpoint (`https://host[:port]` or a bare host), `other` where none is known. */
export function providerOf(endpoint: string): Provider {
  const host = endpoint
    .replace(/^[a-z]+:\/\//i, '')
    .replace(/[:/].*$/, '')
    .toLowerCase();
  return PROVIDERS.find((provider) => provider.host.test(host)) ?? OTHER;
}

/** The endpoint of DigitalOcean Spaces in a region, which is what a configuration without one means. */
export function deriveEndpoint(region: string): string {
  return DIGITALOCEAN.endpointPattern.replace('{region}', region.trim().toLowerCase());
}

/**
 * What an admin typed as endpoint, as `https://host[:port]` (or `http://…` where `allowHttp`). A scheme and a slash at
 * the end are cleaned away; `s3.amazonaws.com` becomes the region's endpoint. Throws `invalid` with what to enter.
 */
export function normaliseEndpoint(
  input: string,
  region: string,
  options: { readonly allowHttp: boolean },
): string {
  const typed = input.trim();
  if (typed === '')
    throw invalid(typed, 'it is empty; enter a host name such as fra1.digitaloceanspaces.com');
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(typed) ? typed : `https://${typed}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : null;
  if (!url || url.hostname === '' || /[\s\\]/.test(typed)) {
    throw invalid(typed, 'it is not a host name; enter only host or host:port, without https://');
  }
  if (url.username || url.password)
    throw invalid('…', 'it holds a user name or password; enter only host or host:port');
  if (url.search || url.hash) throw invalid(typed, `it holds a query; enter only ${url.host}`);
  if (/[^/]/.test(url.pathname)) {
    throw invalid(typed, `it holds a path; enter only ${url.host} and name the bucket in its own field`);
  }
  if (url.protocol === 'http:' && !options.allowHttp) {
    throw invalid(
      typed,
      'plain http would send backups unencrypted; use https, or set STORAGE_ALLOW_HTTP=1 for a storage on a trusted network',
    );
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw invalid(typed, `${url.protocol}// is not supported; enter only ${url.host || 'the host'}`);
  }
  return `${url.protocol}//${resolveHost(url.host, region)}`;
}

/** `s3.amazonaws.com` serves us-east-1 only: the page promises the region's own endpoint. */
function resolveHost(host: string, region: string): string {
  if (!/^s3(-external-1)?\.amazonaws\.com$/.test(host)) return host;
  if (!isRegion(region))
    throw invalid(host, `the region "${region}" is none of AWS; enter one such as us-east-1`);
  return awsHost(region);
}

/** Host name of AWS S3 in a region. */
export function awsHost(region: string): string {
  return `s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}

/** True for text that can be a region: it becomes part of a host name. */
export function isRegion(text: string): boolean {
  return /^[a-z0-9]+(-[a-z0-9]+)*$/.test(text) && text.length <= 40;
}

function invalid(endpoint: string, why: string): AppError {
  return new AppError('invalid', `The endpoint "${endpoint.slice(0, 200)}" can't be used: ${why}.`, {
    details: { field: 'endpoint' },
  });
}

function regions(list: string): readonly Region[] {
  return list.split(', ').map((entry) => {
    const space = entry.indexOf(' ');
    return { code: entry.slice(0, space), location: entry.slice(space + 1) };
  });
}
