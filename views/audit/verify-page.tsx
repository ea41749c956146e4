import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { Ago } from '../parts/ago.tsx';
import { Facts } from '../parts/facts.tsx';
import { Notice } from '../parts/notice.tsx';

export interface VerifyPageProps {
  readonly frame: Frame;
  readonly isIntact: boolean;
  readonly rows: number;
  readonly faults: readonly string[];
  readonly faultCount: number;
  readonly lateRows: number;
  readonly unchained: { readonly rows: number; readonly oldestAt: string | null };
  readonly start: VerifiedMark | null;
  readonly head: VerifiedMark | null;
  readonly publicKey: string;
}

interface VerifiedMark {
  readonly number: number;
  readonly hash: string;
  readonly at: string;
}

/** What became of reading the whole chain. */
export function VerifyPage(props: VerifyPageProps) {
  const { faults, faultCount, unchained } = props;
  return (
    <Page
      frame={props.frame}
      section="audit"
      title="The audit’s chain"
      back={{ href: '/admin/audit', label: 'Audit log' }}
      actions={
        <a class="button" href="/admin/audit/verify">
          Verify again
        </a>
      }
    >
      {props.isIntact ? (
        <Notice tone="success">
          All {props.rows} chained rows are as they were chained: none was changed, removed, added or moved.
        </Notice>
      ) : (
        <>
          <Notice tone="error">
            The audit was changed past the app: {faultCount} {faultCount === 1 ? 'place' : 'places'} in{' '}
            {props.rows} rows. Export it, find out who can write the app’s database, and compare with copies
            that are kept elsewhere.
          </Notice>
          <ul>
            {faults.map((fault) => (
              <li key={fault}>{fault}</li>
            ))}
            {faultCount > faults.length && <li>… and {faultCount - faults.length} more.</li>}
          </ul>
        </>
      )}
      <Facts
        facts={[
          ['Not chained yet', unchained.rows === 0 ? 'nothing' : <Waiting {...unchained} />],
          ['Chained later than their neighbours', String(props.lateRows)],
          ['Removed by retention', props.start === null ? 'nothing' : `up to row ${props.start.number}`],
          [
            'Newest row of the chain',
            props.head === null ? (
              'its mark was removed'
            ) : props.head.number === 0 ? (
              'none yet'
            ) : (
              <Head head={props.head} />
            ),
          ],
          ['Its hash', props.head?.hash ?? '–'],
          ['Key that the chain’s ends are signed with (Ed25519)', props.publicKey],
        ]}
      />
      <p>
        Note the newest row’s number and hash elsewhere now and then: a later chain holds it with the same
        hash.
      </p>
    </Page>
  );
}

function Waiting({ rows, oldestAt }: VerifyPageProps['unchained']) {
  return (
    <>
      {rows} {rows === 1 ? 'row' : 'rows'}, the oldest <Ago at={oldestAt} />
    </>
  );
}

function Head({ head }: { readonly head: VerifiedMark }) {
  return (
    <>
      {head.number}, <Ago at={head.at} />
    </>
  );
}
