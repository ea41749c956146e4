import { AppError } from '../../errors.ts';
import type { PartLimits } from '../providers.ts';
import { DEFAULT_TUNING } from './tuning.ts';

const MIB = 2 ** 20;
/** S3's smallest part, but for the last. */
const SMALLEST = 5 * MIB;

/** How an upload is cut into parts. */
export interface PartPlan {
  readonly partBytes: number;
  /** Largest part that the memory allows while another one is being filled. */
  readonly largestBytes: number;
  /** Parts sent at the same time; one more is being filled: `partBytes × (inFlight + 1)` fits the memory. */
  readonly inFlight: number;
  readonly limits: PartLimits;
}

/**
 * Equal parts of `usualBytes`, or as large as it takes for twice the estimate to fit the provider's number of parts, within
 * half of the part memory.
 * Throws `storage_too_large` for an estimate that can't fit, naming the memory it would need.
 */
export function planParts(
  estimatedBytes: number | undefined,
  limits: PartLimits,
  memoryBytes: number,
  usualBytes = DEFAULT_TUNING.usualPartBytes,
): PartPlan {
  const largestBytes = Math.floor(memoryBytes / 2 / MIB) * MIB;
  if (largestBytes < SMALLEST) {
    throw new AppError('config', 'PART_MEMORY_MIB is too small for uploads: set 10 or more, 64 is usual.');
  }
  refuseTooLarge(estimatedBytes ?? 0, limits, largestBytes);
  const usual = Math.min(usualBytes, largestBytes);
  const partBytes =
    estimatedBytes === undefined && isTight(limits)
      ? largestBytes
      : Math.min(Math.max(ceilMib((2 * (estimatedBytes ?? 0)) / limits.maxParts), usual), largestBytes);
  const inFlight = Math.max(1, Math.min(limits.maxInFlight, Math.floor(memoryBytes / partBytes) - 1));
  return { partBytes, largestBytes, inFlight, limits };
}

/**
 * Size of a part by its number, from 1. The same for all, until half of the numbers are used up by a dump larger than
 * estimated: then parts double with every further tenth, where the provider allows unequal ones.
 * Throws `storage_too_large` after the last number.
 */
export function partBytesAt(plan: PartPlan, number: number): number {
  const { limits, partBytes, largestBytes } = plan;
  if (number > limits.maxParts) throw outOfParts(plan);
  const tenths = Math.floor((10 * (number - 1)) / limits.maxParts);
  if (limits.equal || tenths < 5) return partBytes;
  return Math.min(largestBytes, partBytes * 2 ** (tenths - 4));
}

/** Nothing allows to enlarge parts later, so a size chosen too small ends the upload after hours. */
function isTight(limits: PartLimits): boolean {
  return limits.equal || limits.maxParts < 10_000;
}

function refuseTooLarge(bytes: number, limits: PartLimits, largestBytes: number): void {
  if (bytes > limits.maxObjectBytes) {
    throw new AppError(
      'storage_too_large',
      `About ${gib(bytes)} GiB are expected, and the provider stores at most ${gib(limits.maxObjectBytes)} GiB in one object. Exclude data from the dump or use another storage.`,
    );
  }
  if (bytes <= largestBytes * limits.maxParts) return;
  throw new AppError(
    'storage_too_large',
    `About ${gib(bytes)} GiB are expected, and the part memory allows ${gib(largestBytes * limits.maxParts)} GiB. Set PART_MEMORY_MIB to ${memoryMibFor(bytes, limits)} or more.`,
    { details: { setting: 'PART_MEMORY_MIB', neededMib: memoryMibFor(bytes, limits) } },
  );
}

function outOfParts(plan: PartPlan): AppError {
  const { limits, largestBytes } = plan;
  return new AppError(
    'storage_too_large',
    `The dump is much larger than estimated: all ${limits.maxParts} parts of the upload are used. Set PART_MEMORY_MIB to ${(4 * largestBytes) / MIB} or more and start the backup again.`,
    { details: { setting: 'PART_MEMORY_MIB', neededMib: (4 * largestBytes) / MIB } },
  );
}

function memoryMibFor(bytes: number, limits: PartLimits): number {
  return (2 * ceilMib((1.2 * bytes) / limits.maxParts)) / MIB;
}

function ceilMib(bytes: number): number {
  return Math.ceil(bytes / MIB) * MIB;
}

function gib(bytes: number): number {
  return Math.ceil(bytes / 2 ** 30);
}
