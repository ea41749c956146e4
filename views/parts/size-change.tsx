import { changeText } from './format.ts';

/** By how much a backup's size differs from the median of the ten before it, beside that size: ` +38 %`. */
export function SizeChange({ change }: { readonly change: number }) {
  const sign = change < 0 ? '−' : '+';
  return (
    <small class="muted" title={`${changeText(change)} than the median of the ten before it`}>
      {` ${sign}${Math.round(Math.abs(change) * 100)} %`}
    </small>
  );
}
