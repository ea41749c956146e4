import { accessDenied, S3Error } from '../s3-error.ts';
import { compareKeys } from '../store.ts';
import { document, parseDocument } from '../xml.ts';
import { type Answer, bucketOf, type Exchange, receiveText } from './exchange.ts';
import { fromToken, readLimit } from './listing.ts';

/**
 * A scoped key is denied, as by Cloudflare R2, Backblaze B2 and DigitalOcean, sees its own, as on MinIO, or sees all, as
 * at Linode.
 */
export async function listBuckets({ key, buckets, request }: Exchange): Promise<Answer> {
  const isScoped = key.buckets !== undefined;
  if (isScoped && key.listing === undefined) throw accessDenied();
  const { query } = request;
  const token = query.get('continuation-token');
  const after = token === undefined ? '' : fromToken(token);
  const prefix = query.get('prefix') ?? '';
  const left = [...buckets.values()]
    .filter(({ name }) => key.listing === 'all' || !isScoped || key.buckets?.includes(name))
    .filter((bucket) => bucket.name.startsWith(prefix) && (after === '' || bucket.name > after))
    .sort((a, b) => compareKeys(a.name, b.name));
  const page = left.slice(0, readLimit(query.get('max-buckets'), 10_000));
  const truncated = left.length > page.length;
  const fields = {
    Owner: { ID: 'development', DisplayName: 'development' },
    Buckets: { Bucket: page.map(({ name, createdAt }) => ({ Name: name, CreationDate: createdAt })) },
    ContinuationToken: truncated ? Buffer.from(page.at(-1)?.name ?? '').toString('base64url') : undefined,
    Prefix: query.get('prefix'),
  };
  return { status: 200, body: document('ListAllMyBucketsResult', fields) };
}

export async function headBucket(exchange: Exchange): Promise<Answer> {
  bucketOf(exchange);
  return { status: 200, headers: { 'x-amz-bucket-region': exchange.region } };
}

export async function createBucket(exchange: Exchange): Promise<Answer> {
  const name = exchange.request.bucket ?? '';
  await receiveText(exchange);
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name)) {
    throw new S3Error(400, 'InvalidBucketName', 'The specified bucket is not valid.');
  }
  if (exchange.buckets.has(name)) {
    throw new S3Error(409, 'BucketAlreadyOwnedByYou', 'The bucket that you tried to create already exists.');
  }
  await exchange.createBucket(name);
  return { status: 200, headers: { location: `/${name}` } };
}

export async function deleteBucket(exchange: Exchange): Promise<Answer> {
  const bucket = bucketOf(exchange);
  if (bucket.objects.size > 0) {
    throw new S3Error(409, 'BucketNotEmpty', 'The bucket you tried to delete is not empty');
  }
  exchange.deleteBucket(bucket.name);
  return { status: 204 };
}

export async function getBucketLocation(exchange: Exchange): Promise<Answer> {
  bucketOf(exchange);
  const region = exchange.region === 'us-east-1' ? '' : exchange.region;
  const xml = document('LocationConstraint', {}).replace('></Loc', `>${region}</Loc`);
  return { status: 200, body: xml };
}

export async function getBucketVersioning(exchange: Exchange): Promise<Answer> {
  const fields = bucketOf(exchange).versioned ? { Status: 'Enabled' } : {};
  return { status: 200, body: document('VersioningConfiguration', fields) };
}

export async function putBucketVersioning(exchange: Exchange): Promise<Answer> {
  const bucket = bucketOf(exchange);
  const { Status } = parseDocument(await receiveText(exchange), 'VersioningConfiguration', []);
  bucket.versioned = Status === 'Enabled';
  return { status: 200 };
}
