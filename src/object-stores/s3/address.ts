import { encodeStrictly } from '../../percent-encoding.ts';
import { awsHost, isGenericAwsHost, type Provider, providerOf } from '../providers.ts';
import { encodeKey } from './keys.ts';
import type { S3Settings } from './settings.ts';

/** Where requests go and which region they are signed for. */
export interface Address {
  readonly endpoint: string;
  readonly signingRegion: string;
  readonly provider: Provider;
}

/** The query that names a version, or none. */
export function versionQuery(versionId: string | null | undefined): Readonly<Record<string, string>> {
  return versionId ? { versionId } : {};
}

/** The address of an account. The host of AWS without a region answers for one only, so regions get their own. */
export function addressOf(settings: S3Settings): Address {
  const provider = providerOf(settings.endpoint);
  const { protocol, host } = new URL(settings.endpoint);
  const isGeneric = protocol === 'https:' && isGenericAwsHost(host);
  return {
    endpoint: isGeneric ? `https://${awsHost(settings.region)}` : settings.endpoint.replace(/\/+$/, ''),
    signingRegion: provider.signingRegion ?? signedRegion(provider, settings.region),
    provider: settings.ifNoneMatch === true ? { ...provider, ifNoneMatch: true } : provider,
  };
}

/** A region that is part of a host name is written in lower case; OVHcloud's console shows it in capitals. */
function signedRegion(provider: Provider, region: string): string {
  return provider.endpointPattern.includes('{region}') ? region.toLowerCase() : region;
}

/** The same account in another region: AWS only, so that no signature goes to a host that an answer named. */
export function inRegion(address: Address, region: string): Address {
  return { ...address, endpoint: `https://${awsHost(region)}`, signingRegion: region };
}

/**
 * URL of the account, a bucket or an object. Path-style, because virtual hosts break TLS for bucket names with dots and
 * need DNS of their own on self-hosted storages; virtual hosts only where the provider demands them.
 */
export function urlOf(
  address: Address,
  target: { readonly bucket?: string | undefined; readonly key?: string | undefined },
  query: Readonly<Record<string, string>> = {},
): string {
  const search = Object.entries(query)
    .map(([name, value]) => `${encodeStrictly(name)}=${encodeStrictly(value)}`)
    .join('&');
  return `${base(address, target.bucket)}${target.key === undefined ? '' : `/${encodeKey(target.key)}`}${search && `?${search}`}`;
}

function base(address: Address, bucket: string | undefined): string {
  if (bucket === undefined) return `${address.endpoint}/`;
  if (address.provider.addressing === 'path') return `${address.endpoint}/${bucket}`;
  return address.endpoint.replace('://', `://${bucket}.`);
}
