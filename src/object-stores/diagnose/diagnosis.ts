import type { NetworkFailureKind } from '../s3/network-failure.ts';

/** What is wrong between this machine and the storage. */
export type DiagnosisKind =
  | NetworkFailureKind
  | 'clock'
  | 'wrong_key_id'
  | 'wrong_secret'
  | 'expired'
  | 'wrong_region'
  | 'denied'
  | 'no_bucket'
  | 'addressing'
  | 'proxy'
  | 'not_s3'
  | 'busy';

export interface Diagnosis {
  readonly kind: DiagnosisKind;
  /** Null where it is about the storage as a whole. */
  readonly bucket: string | null;
  /** A sentence or two for the admin: what is wrong and what to do; with the storage's request id where it gave one. */
  readonly message: string;
  readonly requestId: string | null;
}

/** A diagnosis whose sentence ends with the request id. */
export function diagnosis(
  kind: DiagnosisKind,
  sentence: string,
  about: { readonly bucket?: string | null; readonly requestId?: string | null } = {},
): Diagnosis {
  const { bucket = null, requestId = null } = about;
  const message = requestId === null ? sentence : `${sentence} The storage calls this request ${requestId}.`;
  return { kind, bucket, message, requestId };
}
