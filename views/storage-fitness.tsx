import type { CapabilityCardProps } from './capability-card.tsx';
import { Ago } from './parts/ago.tsx';
import { Badge } from './parts/badge.tsx';

/**
 * What the last deep test says of the storage, in the line at the page's top. While another runs, the last one's word does
 * not count: it may be of other keys or buckets. `isSwapped`: sent along with the card, to replace the one on the page.
 */
export function StorageFitness({
  running,
  result,
  isSwapped = false,
}: CapabilityCardProps & { readonly isSwapped?: boolean }) {
  return (
    <span id="storage-fitness" hx-swap-oob={isSwapped ? 'true' : undefined}>
      {running !== null ? <Badge tone="neutral" text="being tested" /> : <Verdict result={result} />}
    </span>
  );
}

function Verdict({ result }: Pick<CapabilityCardProps, 'result'>) {
  if (result === null) return <Badge tone="neutral" text="not tested in depth yet" />;
  if (result.isOfFormerSettings) {
    return <Badge tone="neutral" text="not tested in depth since its settings were changed" />;
  }
  const isFit = result.buckets.every(({ isSound }) => isSound) && result.problems.length === 0;
  return (
    <>
      <Badge tone={isFit ? 'success' : 'error'} text={isFit ? 'fit' : 'not fit'} /> tested{' '}
      <Ago at={result.finishedAt} />
    </>
  );
}
