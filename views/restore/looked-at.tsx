import { type Check, Checks } from '../parts/checks.tsx';
import type { RestoreCheck } from './restore-props.ts';

/** What was looked at before anything is made, a line each. */
export function LookedAt({ checks }: { readonly checks: readonly RestoreCheck[] }) {
  return <Checks label="What was looked at" checks={checks.map(toCheck)} />;
}

function toCheck(check: RestoreCheck): Check {
  return { label: check.name, state: stateOf(check), detail: check.says };
}

function stateOf({ ok, isUnknown }: RestoreCheck): Check['state'] {
  if (!ok) return 'failed';
  return isUnknown === true ? 'unknown' : 'passed';
}
