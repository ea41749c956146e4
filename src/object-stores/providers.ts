/** What is known about S3-compatible storages, and the endpoints under which they are reached. */

export { awsHost, isGenericAwsHost, regionInAwsHost } from './providers/aws-host.ts';
export { deriveEndpoint, normaliseEndpoint } from './providers/endpoint.ts';
export type { PartLimits, Provider, Region } from './providers/provider.ts';
export { DEFAULT_PROVIDER, PROVIDERS, providerOf } from './providers/table.ts';

/** True for text that can be a region: it becomes part of a host name. */
export function isRegion(text: string): boolean {
  return /^[a-z0-9]+(-[a-z0-9]+)*$/.test(text) && text.length <= 40;
}
