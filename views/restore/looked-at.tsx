import { type Check, Checks } from '../parts/checks.tsx';
import { CopyBlock } from '../parts/copy-block.tsx';
import { fieldId } from '../parts/field-id.ts';
import type { RestoreCheck } from './restore-props.ts';

/**
 * What was looked at before anything is made, a line each. `takesUser`: of a form with a field for who signs in, to which a line
 * about that user’s rights leads.
 */
export function LookedAt(props: { readonly checks: readonly RestoreCheck[]; readonly takesUser?: boolean }) {
  const { checks, takesUser = false } = props;
  return (
    <Checks
      label="What was looked at"
      checks={checks.map((check) => toCheck(check, takesUser && check.name === 'Rights' && !check.ok))}
    />
  );
}

function toCheck(check: RestoreCheck, leadsToUser: boolean): Check {
  return {
    label: check.name,
    state: stateOf(check),
    detail: (
      <>
        <Says {...check} />
        {leadsToUser && <a href={`#${fieldId('username')}`}>Give another user</a>}
      </>
    ),
  };
}

function stateOf({ ok, isUnknown }: RestoreCheck): Check['state'] {
  if (!ok) return 'failed';
  return isUnknown === true ? 'unknown' : 'passed';
}

/** The command stands apart, as it is to be pasted. */
function Says({ name, says, command }: RestoreCheck) {
  if (command === undefined || !says.endsWith(command)) return <>{says}</>;
  return (
    <>
      {says.slice(0, -command.length).trimEnd()}
      <CopyBlock id={`command-${name.toLowerCase()}`} text={command} label={`Command for: ${name}`} />
    </>
  );
}
