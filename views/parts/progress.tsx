import { formatBytes } from './format.ts';

export interface ProgressNumbers {
  readonly progress: number;
  readonly bytesRead: number;
  readonly bytesStored: number;
  readonly estimatedBytes: number | null;
  /** Null while it is not known. */
  readonly bytesPerSecond: number | null;
}

/** A bar from 0 to 100 with the numbers behind it. */
export function Progress({ label, numbers }: { readonly label: string; readonly numbers: ProgressNumbers }) {
  return (
    <>
      <progress max={100} value={numbers.progress} aria-label={label} />
      <p class="progress-numbers">{describeProgress(numbers)}</p>
    </>
  );
}

function describeProgress(numbers: ProgressNumbers): string {
  const estimate = numbers.estimatedBytes === null ? '' : ` of about ${formatBytes(numbers.estimatedBytes)}`;
  return [
    `${numbers.progress} %`,
    `${formatBytes(numbers.bytesRead)}${estimate} read`,
    `${formatBytes(numbers.bytesStored)} stored`,
    ...(numbers.bytesPerSecond === null ? [] : [`${formatBytes(numbers.bytesPerSecond)}/s`]),
  ].join(' · ');
}
