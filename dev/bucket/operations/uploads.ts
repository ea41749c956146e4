import { createHash } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidArgument, malformedXml, noSuchUpload, S3Error } from '../s3-error.ts';
import { type Bucket, newId, type Part, publish, stage, type Upload, uploadFolder } from '../store.ts';
import { document, fieldsOf, parseDocument } from '../xml.ts';
import {
  type Answer,
  bucketOf,
  type Exchange,
  keptHeaders,
  keyOf,
  type Limits,
  receiveBody,
  receiveText,
} from './exchange.ts';
import { checkAbsent, flipFirstByte, quoted, versionHeader } from './objects.ts';

export async function createMultipartUpload(exchange: Exchange): Promise<Answer> {
  const bucket = bucketOf(exchange);
  const upload: Upload = {
    uploadId: newId(),
    key: keyOf(exchange),
    initiatedAt: new Date().toISOString(),
    headers: keptHeaders(exchange),
    parts: new Map(),
  };
  await receiveText(exchange);
  if (exchange.fault?.kind === 'hold-received') await exchange.fault.until;
  await mkdir(uploadFolder(bucket, upload.uploadId));
  bucket.uploads.set(upload.uploadId, upload);
  const fields = { Bucket: bucket.name, Key: upload.key, UploadId: upload.uploadId };
  return { status: 200, body: document('InitiateMultipartUploadResult', fields) };
}

export async function uploadPart(exchange: Exchange): Promise<Answer> {
  const { request, fault, limits } = exchange;
  const bucket = bucketOf(exchange);
  const upload = findUpload(exchange, bucket);
  const { partNumber } = request;
  if (
    partNumber === null ||
    !Number.isInteger(partNumber) ||
    partNumber < 1 ||
    partNumber > limits.maxParts
  ) {
    throw invalidArgument(`Part number must be an integer between 1 and ${limits.maxParts}, inclusive`);
  }
  const folder = await stage(bucket);
  try {
    const file = `part-${partNumber}-${newId()}`;
    const { segment, md5 } = await receiveBody(exchange, folder, file);
    if (fault?.kind === 'corrupt') await flipFirstByte(join(folder, file));
    // The upload may have been completed or aborted while the bytes came in.
    findUpload(exchange, bucket);
    await rename(join(folder, file), join(uploadFolder(bucket, upload.uploadId), file));
    const etag = fault?.kind === 'foreign-etag' ? newId().slice(4) : md5.toString('hex');
    const replaced = upload.parts.get(partNumber);
    if (fault?.kind === 'lose-part') upload.parts.delete(partNumber);
    else upload.parts.set(partNumber, { partNumber, etag, segment, modifiedAt: new Date().toISOString() });
    if (replaced !== undefined) {
      await rm(join(uploadFolder(bucket, upload.uploadId), replaced.segment.file), { force: true });
    }
    return { status: 200, headers: { etag: quoted(etag) } };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function completeMultipartUpload(exchange: Exchange): Promise<Answer> {
  const { request, fault, limits } = exchange;
  const bucket = bucketOf(exchange);
  const wanted = readPartList(await receiveText(exchange));
  const upload = findUpload(exchange, bucket);
  const parts = chooseParts(upload, wanted);
  checkSizes(parts, limits);
  const bytes = parts.reduce((sum, part) => sum + part.segment.bytes, 0);
  const declared = request.headers.get('x-amz-mp-object-size');
  if (declared !== undefined && Number(declared) !== bytes) {
    throw new S3Error(
      400,
      'InvalidRequest',
      `The provided 'x-amz-mp-object-size' header value ${declared} does not match what was computed: ${bytes}`,
    );
  }
  checkAbsent(exchange, bucket, upload.key);
  const version = await assemble(
    exchange,
    bucket,
    upload,
    fault?.kind === 'lose-part' ? parts.slice(0, -1) : parts,
  );
  const fields = {
    Location: `http://${request.headers.get('host')}/${bucket.name}/${upload.key}`,
    Bucket: bucket.name,
    Key: upload.key,
    ETag: quoted(version.etag),
  };
  return {
    status: 200,
    headers: versionHeader(version),
    body: document('CompleteMultipartUploadResult', fields),
  };
}

/** Turns the upload's folder into the object's: nothing is copied. */
async function assemble(exchange: Exchange, bucket: Bucket, upload: Upload, parts: readonly Part[]) {
  const { fault } = exchange;
  const folder = uploadFolder(bucket, upload.uploadId);
  // Taken before anything is awaited, so that a second Complete or a late part finds no upload.
  bucket.uploads.delete(upload.uploadId);
  const used = new Set(parts.map(({ partNumber }) => partNumber));
  for (const part of upload.parts.values()) {
    if (!used.has(part.partNumber)) await rm(join(folder, part.segment.file), { force: true });
  }
  const hash = createHash('md5');
  for (const part of parts) hash.update(Buffer.from(part.etag, 'hex'));
  const etag = fault?.kind === 'foreign-etag' ? newId().slice(4) : hash.digest('hex');
  return publish(bucket, folder, {
    key: upload.key,
    deleteMarker: false,
    bytes: parts.reduce((sum, part) => sum + part.segment.bytes, 0),
    etag: `${etag}-${parts.length}`,
    segments: parts.map(({ segment }) => segment),
    headers: upload.headers,
    ghost: fault?.kind === 'ghost',
  });
}

interface WantedPart {
  readonly partNumber: number;
  readonly etag: string;
}

function readPartList(text: string): WantedPart[] {
  const listed = parseDocument(text, 'CompleteMultipartUpload', ['Part'])['Part'];
  if (!Array.isArray(listed) || listed.length === 0) throw malformedXml();
  return listed.map((item) => {
    const part = fieldsOf(item);
    const etag = part?.['ETag'];
    const partNumber = Number(part?.['PartNumber']);
    if (typeof etag !== 'string' || !Number.isInteger(partNumber)) throw malformedXml();
    return { partNumber, etag: etag.replace(/^"(.*)"$/, '$1') };
  });
}

function chooseParts(upload: Upload, wanted: readonly WantedPart[]): Part[] {
  const ordered = wanted.every((part, index) => part.partNumber > (wanted[index - 1]?.partNumber ?? 0));
  if (!ordered) {
    throw new S3Error(
      400,
      'InvalidPartOrder',
      'The list of parts was not in ascending order. The parts list must be specified in order by part number.',
    );
  }
  return wanted.map(({ partNumber, etag }) => {
    const part = upload.parts.get(partNumber);
    if (part !== undefined && part.etag === etag) return part;
    throw new S3Error(
      400,
      'InvalidPart',
      "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
      { fields: { UploadId: upload.uploadId, PartNumber: String(partNumber), ETag: etag } },
    );
  });
}

function checkSizes(
  parts: readonly Part[],
  { equalParts, smallestPartBytes }: Pick<Limits, 'equalParts' | 'smallestPartBytes'>,
): void {
  const sizes = parts.map(({ segment }) => segment.bytes);
  const last = sizes.pop() ?? 0;
  const first = sizes[0] ?? last;
  const small = parts.find((part, index) => index < sizes.length && part.segment.bytes < smallestPartBytes);
  if (small !== undefined) {
    throw new S3Error(
      400,
      'EntityTooSmall',
      'Your proposed upload is smaller than the minimum allowed size',
      {
        fields: {
          ProposedSize: String(small.segment.bytes),
          MinSizeAllowed: String(smallestPartBytes),
          PartNumber: String(small.partNumber),
        },
      },
    );
  }
  if (equalParts && (sizes.some((size) => size !== first) || last > first)) {
    throw new S3Error(400, 'InvalidPart', 'All non-trailing parts must have the same length.');
  }
}

export async function abortMultipartUpload(exchange: Exchange): Promise<Answer> {
  const bucket = bucketOf(exchange);
  await dropUpload(bucket, findUpload(exchange, bucket));
  return { status: 204 };
}

export async function dropUpload(bucket: Bucket, upload: Upload): Promise<void> {
  bucket.uploads.delete(upload.uploadId);
  await rm(uploadFolder(bucket, upload.uploadId), { recursive: true, force: true });
}

export async function listParts(exchange: Exchange): Promise<Answer> {
  const { query } = exchange.request;
  const bucket = bucketOf(exchange);
  const upload = findUpload(exchange, bucket);
  const maxParts = Math.min(Number(query.get('max-parts') ?? 1000), 1000);
  const after = Number(query.get('part-number-marker') ?? 0);
  const left = [...upload.parts.values()]
    .filter(({ partNumber }) => partNumber > after)
    .sort((a, b) => a.partNumber - b.partNumber);
  const page = left.slice(0, maxParts);
  const fields = {
    Bucket: bucket.name,
    Key: upload.key,
    UploadId: upload.uploadId,
    PartNumberMarker: after,
    NextPartNumberMarker: page.at(-1)?.partNumber ?? 0,
    MaxParts: maxParts,
    IsTruncated: left.length > page.length,
    Part: page.map((part) => ({
      PartNumber: part.partNumber,
      LastModified: part.modifiedAt,
      ETag: quoted(part.etag),
      Size: part.segment.bytes,
    })),
  };
  return { status: 200, body: document('ListPartsResult', fields) };
}

function findUpload({ request }: Exchange, bucket: Bucket): Upload {
  const uploadId = request.query.get('uploadId') ?? '';
  const upload = bucket.uploads.get(uploadId);
  if (upload === undefined || upload.key !== request.key) throw noSuchUpload(uploadId);
  return upload;
}
