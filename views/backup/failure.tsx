import { CopyBlock } from '../parts/copy-block.tsx';
import { Group } from '../parts/group.tsx';

export interface BackupFailure {
  readonly step: string | null;
  readonly message: string;
  readonly stderr: string | null;
  readonly exitCode: number | null;
  /** What of the storage is to be looked at; null where it is none of its business. */
  readonly storageProblem: 'not-configured' | 'upload' | null;
}

/** Who reads it, and of which database it is: what may be linked. */
export interface FailureReader {
  readonly databaseId: string;
  readonly mayChange: boolean;
  /** Who may open Admin > Storage. */
  readonly mayConfigure: boolean;
}

/** `Failed at dump: …`. */
export function summaryOf({ step, message }: Pick<BackupFailure, 'step' | 'message'>): string {
  return `${step === null ? '' : `Failed at ${step}: `}${message}`;
}

/** What is known of a failure beyond its summary; nothing where that says it all. */
export function FailureDetails(props: {
  readonly failure: BackupFailure;
  readonly reader: FailureReader;
  /** Unique on the page. */
  readonly id: string;
  /** How much of what the tool printed is shown, and where all of it is; null where a link beside it leads there. */
  cut(text: string): string;
  readonly all: { readonly href: string; readonly label: string } | null;
}) {
  const { failure, reader, all } = props;
  const stderr = failure.stderr ?? '';
  const shown = props.cut(stderr);
  const isCut = shown !== stderr;
  return (
    <>
      {failure.storageProblem === 'not-configured' && <NotConfigured mayConfigure={reader.mayConfigure} />}
      {failure.storageProblem === 'upload' && <UploadChecks reader={reader} />}
      {failure.exitCode !== null && <p>Exit status {failure.exitCode}.</p>}
      {stderr !== '' && !isCut && <CopyBlock id={`${props.id}-stderr`} text={stderr} label={PRINTED} />}
      {isCut && <Beginning text={shown} />}
      {isCut && all !== null && <a href={all.href}>{all.label}</a>}
    </>
  );
}

const PRINTED = 'What the tool printed';

/** Nobody copies half of it. */
function Beginning({ text }: { readonly text: string }) {
  return (
    <Group class="copy-text" label={PRINTED}>
      <pre>
        <code>{text}</code>
      </pre>
    </Group>
  );
}

/** Whether there is anything beyond the summary. */
export function hasDetails({ exitCode, stderr, storageProblem }: BackupFailure): boolean {
  return exitCode !== null || (stderr ?? '') !== '' || storageProblem !== null;
}

function NotConfigured({ mayConfigure }: { readonly mayConfigure: boolean }) {
  return (
    <>
      <p>Either:</p>
      <ul>
        <li>
          Global storage credentials have not been configured (
          <StorageLink mayConfigure={mayConfigure} />
          ), or
        </li>
        <li>
          Storage is not enabled for the database’s environment (
          <StorageLink mayConfigure={mayConfigure} section="environment-access" />)
        </li>
      </ul>
    </>
  );
}

function UploadChecks({ reader }: { readonly reader: FailureReader }) {
  return (
    <>
      <p>Check that:</p>
      <ul>
        <li>
          Storage is enabled for the environment (
          <StorageLink mayConfigure={reader.mayConfigure} section="environment-access" />)
        </li>
        <li>
          The database has a bucket configured
          {reader.mayChange && (
            <>
              {' '}
              (<a href={`/databases/${reader.databaseId}/edit`}>Edit the database</a>)
            </>
          )}
        </li>
        <li>The configured bucket name matches one the key can access</li>
      </ul>
    </>
  );
}

/** A link for who may follow it, else the way in words. */
function StorageLink(props: { readonly mayConfigure: boolean; readonly section?: 'environment-access' }) {
  const { mayConfigure, section } = props;
  const label = section === undefined ? 'Admin > Storage' : 'Admin > Storage > Environment Access';
  if (!mayConfigure) return <>{label}</>;
  return <a href={`/admin/storage${section === undefined ? '' : `#${section}`}`}>{label}</a>;
}
