import { DatabaseFrame, type DatabaseSummary } from '../database/database-head.tsx';
import type { Frame } from '../frame/frame.ts';
import { Dialog, type Question } from '../parts/dialog.tsx';
import { PostButton } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import { formatBytes } from '../parts/format.ts';
import { Panel } from '../parts/panel.tsx';
import { PolicyForm } from './policy-form.tsx';
import { type PreviewProps, RetentionList, RetentionSummary } from './preview.tsx';
import { floorWords, type Kept, keptWords } from './words.ts';

export interface RetentionView {
  readonly policy: Kept & {
    readonly maxTotalBytes: number | null;
    readonly source: 'override' | 'inherited';
    readonly preset: string;
  };
  readonly zone: string;
  readonly presets: readonly { readonly value: string; readonly label: string; readonly kept: Kept }[];
}

/** Which backups of a database stay and which go, and the policy that says so. */
export function RetentionPage(props: {
  readonly frame: Frame;
  readonly database: DatabaseSummary;
  readonly retention: RetentionView;
  readonly preview: PreviewProps;
  readonly form: FormState;
  readonly question: Question | null;
}) {
  const { frame, database, retention } = props;
  const base = `/databases/${database.id}/retention`;
  const { mayChange } = frame.user;
  return (
    <DatabaseFrame frame={frame} database={database} tab="retention">
      <Dialog question={props.question} />
      <Sentence {...retention} />
      <RetentionSummary {...props.preview} />
      {mayChange && (
        <>
          {props.preview.hasAddress && props.preview.go.count > 0 && database.freeze === null && (
            <PostButton action={`${base}/rotate`} label="Prune now" />
          )}
          <Panel title="Policy" id="policy">
            <PolicyForm action={base} form={props.form} presets={retention.presets} zone={retention.zone} />
          </Panel>
        </>
      )}
      <RetentionList {...props.preview} />
    </DatabaseFrame>
  );
}

function Sentence({ policy }: RetentionView) {
  const origin = policy.source === 'inherited' ? 'As the installation says, it keeps' : 'It keeps';
  const cap = policy.maxTotalBytes === null ? '' : `, ${formatBytes(policy.maxTotalBytes)} in all at most`;
  return (
    <>
      <p>
        {origin} {keptWords(policy)}
        {cap}.
      </p>
      <p class="field-help">{floorWords(policy)}</p>
    </>
  );
}

/** Asks before much goes. The form's fields come back with it. */
export function questionOfPolicy(
  action: string,
  go: { readonly count: number; readonly bytes: number },
  values: Readonly<Record<string, string>>,
): Question {
  return {
    title: `Prune ${go.count} backups?`,
    action,
    submit: `Save and prune ${go.count} backups`,
    back: action,
    children: (
      <>
        {Object.entries({ ...values, confirm: 'true' }).map(([name, value]) => (
          <input key={name} type="hidden" name={name} value={value} />
        ))}
        <p>
          {formatBytes(go.bytes)} are freed, and these backups are gone for good. Below is which, and by which
          rule.
        </p>
      </>
    ),
  };
}
