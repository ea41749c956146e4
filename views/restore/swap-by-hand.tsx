import { CopyBlock } from '../parts/copy-block.tsx';
import { Panel } from '../parts/panel.tsx';

/** What a person runs to put what was restored in the place of what is there. */
export interface ShownSwap {
  readonly check: string;
  readonly statements: string;
  readonly notes: readonly string[];
}

export function SwapByHand({
  swap,
  name,
  isFile,
}: {
  readonly swap: ShownSwap;
  readonly name: string;
  readonly isFile: boolean;
}) {
  return (
    <Panel title={`In place of ${name}, by hand`}>
      {swap.notes.map((note) => (
        <p key={note}>{note}</p>
      ))}
      <h3>Check</h3>
      <CopyBlock id="swap-check" text={swap.check} label="Check" />
      <h3>{isFile ? 'Commands' : 'Statements'}</h3>
      <CopyBlock id="swap-statements" text={swap.statements} label={isFile ? 'Commands' : 'Statements'} />
    </Panel>
  );
}
