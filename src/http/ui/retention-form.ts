import type { FormState } from '../../../views/parts/form-state.ts';
import type { PolicyPresetChoice } from '../../../views/retention/policy-form.tsx';
import type { Kept } from '../../../views/retention/words.ts';
import type { InputIssue } from '../../errors.ts';
import { type PolicyInput, policyInput } from '../../retention/policy-input.ts';
import type { RetentionState } from '../../retention/retention-actions.ts';
import { PRESET_TIERS } from '../../settings/retention-presets.ts';
import { editForm } from './kit/edit-form.ts';
import { type FormBody, isTicked, numberOf, textOf } from './kit/form-body.ts';
import type { Parsed } from './kit/submit.ts';

const GIB = 2 ** 30;
/** What the form offers beside the presets: what the installation says. */
export const INHERIT = 'inherit';
const TIERS = ['keepLast', 'daily', 'weekly', 'monthly', 'yearly', 'minFloor'] as const;

/** The form of what counts now; of a preset with its numbers, so that one may begin with them. */
export function formOfPolicy(state: RetentionState): FormState {
  return editForm(policyValues(state));
}

/** What counts now, as its form shows it. */
export function policyValues({ effective, override }: RetentionState): FormBody {
  const preset = effective.source === 'inherited' ? INHERIT : effective.preset;
  const gib = gibText(effective.maxTotalBytes);
  return {
    preset,
    ...Object.fromEntries(TIERS.map((name) => [name, String(effective[name])])),
    maxTotalGib: effective.source === 'inherited' ? '' : gib,
    maxShrinkPercent: String(override?.max_shrink_percent ?? ''),
  };
}

/** What the form offers beside numbers of its own; `globalDefault` is what the installation says. */
export function presetChoices(globalDefault: Kept): readonly PolicyPresetChoice[] {
  return [
    { value: INHERIT, label: 'As the installation says', kept: globalDefault },
    { value: 'lean', label: 'Lean', kept: PRESET_TIERS.lean },
    { value: 'balanced', label: 'Balanced', kept: PRESET_TIERS.balanced },
    { value: 'long_term', label: 'Long term', kept: PRESET_TIERS.long_term },
  ];
}

/** Bytes as a form shows them. */
export const gibText = (bytes: number | null): string => (bytes === null ? '' : String(bytes / GIB));

/** What was typed, as the API takes it. The numbers count for `custom` alone. */
export function parsePolicy(body: FormBody): Parsed<PolicyInput> {
  const preset = body['preset'] ?? '';
  const isCustom = preset === 'custom';
  const tiers = TIERS.map((name) => [name, isCustom ? numberOf(body, name) : PRESET_TIERS.balanced[name]]);
  const cap = gibIn(body, 'maxTotalGib');
  const parsed = policyInput.safeParse({
    preset: preset === INHERIT ? 'balanced' : preset,
    ...Object.fromEntries(tiers),
    maxTotalBytes: cap ?? undefined,
    inheritGlobal: preset === INHERIT,
    maxShrinkPercent: numberOf(body, 'maxShrinkPercent'),
    confirm: isTicked(body, 'confirm'),
  });
  if (Number.isNaN(cap)) return { success: false, error: { issues: [NO_SIZE] } };
  if (parsed.success) return parsed;
  return { success: false, error: { issues: parsed.error.issues.map(atField) } };
}

/** What is wrong with a size. */
export const NO_SIZE: InputIssue = {
  path: ['maxTotalGib'],
  message: 'Enter a number of GiB, such as 100 or 0.5, or leave it empty.',
};

/** GiB as bytes; null for none, NaN for what is no size. */
export function gibIn(body: FormBody, name: string): number | null {
  const text = textOf(body, name);
  if (text === null) return null;
  return /^\d{1,9}([.,]\d{1,6})?$/.test(text) ? Math.round(Number(text.replace(',', '.')) * GIB) : Number.NaN;
}

/** Of what is asked in other words than the API's. */
function atField(issue: InputIssue): InputIssue {
  return issue.path[0] === 'maxTotalBytes' ? { ...issue, path: ['maxTotalGib'] } : issue;
}
