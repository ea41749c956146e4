import { type FormState, freshForm } from '../../../../views/parts/form-state.ts';
import { shareOf } from '../../../spread.ts';
import type { FormBody } from './form-body.ts';

type Values = Readonly<Record<string, string>>;

/**
 * The form of something that is stored, with what it showed in short: sent back, that is compared with what is stored then. `stored`:
 * what is compared, where the form proposes something else than that.
 */
export function editForm(values: Values, stored: Values = values): FormState {
  return { ...freshForm(values), seen: digestOf(stored) };
}

/**
 * The form as it was sent, where somebody else has changed meanwhile what it is about; undefined where nobody has, or where a form
 * says nothing of it. Sent once more as it is, it counts: then it was said.
 */
export function staleForm(body: FormBody, form: FormState, stored: Values): FormState | undefined {
  const seen = digestOf(stored);
  return body['seen'] === undefined || body['seen'] === seen ? undefined : { ...form, message: STALE, seen };
}

const STALE =
  'Somebody has changed this since you opened it, so nothing was saved. Look at it in another tab; to replace what is stored by what ' +
  'stands here, save again.';

/** Not secret, and short: of two different texts one in 2⁶⁴ would pass for the other. */
function digestOf(values: Values): string {
  const text = JSON.stringify(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)));
  return [shareOf(text), shareOf(`again ${text}`)]
    .map((share) =>
      Math.round(share * 2 ** 32)
        .toString(16)
        .padStart(8, '0'),
    )
    .join('');
}
