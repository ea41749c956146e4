import { formatBytes, formatDuration } from '../parts/format.ts';
import type { RestorePageProps } from './restore-props.ts';
import { whereOf } from './restore-where.tsx';

type Summarised = Pick<
  RestorePageProps,
  'backup' | 'database' | 'servers' | 'ownServerId' | 'aboutSeconds' | 'form' | 'proposed'
>;

/**
 * What will happen, in a sentence, and the button for it. With htmx it follows what is chosen above: it is morphed into place, so
 * that a click on the button is not lost.
 */
export function RestoreSummary(props: Summarised & { readonly isRefused: boolean }) {
  const { backup, isRefused } = props;
  return (
    <div
      id="restore-summary"
      hx-get={`/backups/${backup.id}/restore/summary${isRefused ? '?refused=true' : ''}`}
      hx-trigger="change from:#restore-form"
      hx-include="[name=where]:checked, #field-serverId, #field-newName, #field-host, #field-port"
      hx-swap="outerMorph"
      hx-sync="replace"
    >
      <Sentence {...props} />
      {isRefused && (
        <p class="field-error" id="restore-refused">
          Not as it stands: see what is marked under 3, change it, and look again.
        </p>
      )}
      <button
        type="submit"
        name="action"
        value="restore"
        id="restore-now"
        disabled={isRefused}
        aria-describedby={isRefused ? 'restore-refused' : undefined}
      >
        {labelOf(props)}
      </button>
    </div>
  );
}

function Sentence(props: Summarised) {
  const { backup, database, aboutSeconds } = props;
  if (whereOf(props) === 'in-place') {
    return <p>Nothing yet: the next page says what is replaced, and asks for the name of {database.name}.</p>;
  }
  const name = nameOf(props);
  return (
    <p>
      {formatBytes(backup.bytes)} are read{backup.place === null ? '' : ` from ${backup.place}`},{' '}
      {backup.hasHash ? 'checked against their SHA-256' : 'checked to the end of the dump'}, and played into a{' '}
      <strong>new {database.isFile ? 'file' : 'database'}</strong>
      {name === '' ? '' : ` ${name}`} on {serverOf(props)}
      {typedPlaceOf(props)}. The rows of each table are counted.{' '}
      {aboutSeconds !== null && `About ${formatDuration(Math.max(1, aboutSeconds))}, as last measured. `}
      <strong>{database.name} stays as it is.</strong> What fails leaves nothing behind.
    </p>
  );
}

function labelOf(props: Summarised): string {
  if (whereOf(props) === 'in-place') return 'Go on';
  const name = nameOf(props);
  return name === '' ? 'Restore' : `Restore into ${props.database.isFile ? lastOf(name) : name}`;
}

const lastOf = (path: string) => path.split('/').at(-1) || path;

const nameOf = ({ form, proposed }: Summarised) => (form.values['newName'] || proposed['newName']) ?? '';

/** Beside it or not: what is typed there is where it goes. */
function typedPlaceOf({ form, proposed }: Summarised): string {
  const [host = '', port = ''] = [form.values['host'], form.values['port']];
  if (host === (proposed['host'] ?? '') && port === (proposed['port'] ?? '')) return '';
  return `, in the database server at ${host === '' ? 'the server itself' : host}${port === '' ? '' : ` port ${port}`}`;
}

function serverOf(props: Summarised): string {
  const { form, servers, ownServerId } = props;
  const id = whereOf(props) === 'beside' ? ownServerId : (form.values['serverId'] ?? ownServerId);
  if (id === '') return 'the machine of this app';
  return servers.find((server) => server.id === id)?.name ?? 'its server';
}
