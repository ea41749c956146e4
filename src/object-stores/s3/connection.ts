import { isRegion } from '../providers.ts';
import { type Address, addressOf, inRegion } from './address.ts';
import { refusalOf, type S3Answer } from './answer.ts';
import { namedRegion } from './named-region.ts';
import type { S3Platform } from './platform.ts';
import type { S3Settings } from './settings.ts';
import type { SigningKeys } from './sign.ts';
import type { Tuning } from './tuning.ts';

/** An account, and what was learned about its clock and its buckets' regions. */
export interface S3Connection {
  readonly settings: S3Settings;
  readonly platform: S3Platform;
  readonly tuning: Tuning;
  addressOf(bucket: string | undefined): Address;
  keysFor(address: Address): SigningKeys;
  /** Now, by the storage's clock. */
  now(): Date;
  /** False until the storage's clock was seen. */
  clockKnown(): boolean;
  /** Takes the time from an answer's Date header. */
  learnClock(headers: Headers): void;
  /** True when the answer named another region for the bucket (AWS only). */
  learnRegion(bucket: string | undefined, answer: S3Answer): boolean;
  /** True once the bucket has refused a body without Content-MD5. */
  wantsMd5(bucket: string | undefined): boolean;
  /** True when the answer asks for Content-MD5, and it was not sent yet: buckets with Object Lock do (AWS). */
  learnMd5(bucket: string | undefined, answer: S3Answer): boolean;
}

/** Below this the clocks count as equal: the Date header has whole seconds and the answer took its time. */
const CLOCK_TOLERANCE_MS = 10_000;

export function connect(settings: S3Settings, platform: S3Platform, tuning: Tuning): S3Connection {
  const home = addressOf(settings);
  const moved = new Map<string, Address>();
  const wantMd5 = new Set<string>();
  const cache = new Map<string, ArrayBuffer>();
  let clockOffsetMs = 0;
  let clockSeen = false;

  const addressFor = (bucket: string | undefined) => (bucket && moved.get(bucket)) || home;

  return {
    settings,
    platform,
    tuning,
    addressOf: addressFor,
    keysFor: (address) => ({
      accessKey: settings.accessKey,
      secretKey: settings.secretKey,
      sessionToken: settings.sessionToken,
      region: address.signingRegion,
      cache,
    }),
    now: () => new Date(platform.now().getTime() + clockOffsetMs),
    clockKnown: () => clockSeen,
    learnClock(headers) {
      const date = Date.parse(headers.get('date') ?? '');
      if (Number.isNaN(date)) return;
      const offset = date - platform.now().getTime();
      clockOffsetMs = Math.abs(offset) > CLOCK_TOLERANCE_MS ? offset : 0;
      clockSeen = true;
    },
    learnRegion(bucket, answer) {
      const from = addressFor(bucket);
      if (!bucket || !from.provider.namesRegion) return false;
      const region = namedRegion(answer);
      if (!region || !isRegion(region) || region === from.signingRegion) return false;
      moved.set(bucket, inRegion(from, region));
      platform.log.info('the bucket lies in another region than configured', { bucket, region });
      return true;
    },
    wantsMd5: (bucket) => bucket !== undefined && wantMd5.has(bucket),
    learnMd5(bucket, answer) {
      if (bucket === undefined || answer.status !== 400 || platform.md5 === undefined) return false;
      if (!/content-md5/i.test(refusalOf(answer).message ?? '')) return false;
      wantMd5.add(bucket);
      return true;
    },
  };
}
