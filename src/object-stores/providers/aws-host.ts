/** Host name of AWS S3 in a region. */
export function awsHost(region: string): string {
  return `s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}

/** True for the host of AWS S3 (without a port) that names no region. */
export function isGenericAwsHost(host: string): boolean {
  return host === 's3.amazonaws.com';
}

/** True for a region as AWS writes them, such as us-east-1. */
export function isAwsRegion(text: string): boolean {
  return /^[a-z]{2}(-gov|-iso[a-z]*)?-(central|(north|south)?(east|west)|north|south)-\d{1,2}$/.test(text);
}

/**
 * The region's own host for any endpoint of AWS, or null for one that must stay: a private endpoint of a network. FIPS
 * and dual-stack endpoints stay what they are, in the region.
 */
export function awsHostFor(typed: string, region: string): string | null {
  if (/\.vpce\.amazonaws\.com(\.cn)?$/.test(typed)) return null;
  const prefix = typed.startsWith('s3-fips.') ? 's3-fips.' : 's3.';
  const stack = typed.includes('.dualstack.') ? 'dualstack.' : '';
  return `${prefix}${stack}${awsHost(region).slice('s3.'.length)}`;
}

/** The region that an endpoint of AWS names, or null. */
export function regionInAwsHost(host: string): string | null {
  const region = /[.-]([a-z]{2}(?:-[a-z]+)+-\d+)\.amazonaws\.com/.exec(host)?.[1];
  return region !== undefined && isAwsRegion(region) ? region : null;
}

/** AWS is several clouds that know nothing of each other, and names its own in what stands for a bucket in a policy. */
export function awsPartition(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
