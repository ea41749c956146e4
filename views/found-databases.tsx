import { type Choice, SelectField } from './parts/field.tsx';
import type { FormState } from './parts/form-state.ts';
import { formatBytes } from './parts/format.ts';
import { Notice } from './parts/notice.tsx';
import { SELECT, Table } from './parts/table.tsx';
import { ScheduleChoice, type ScheduleChoices } from './schedules/schedule-choice.tsx';

/** The server that is looked on. */
export interface SearchedServer {
  readonly id: string;
  readonly name: string;
  readonly hostname: string;
  readonly environment: { readonly id: string; readonly name: string };
}

export interface FoundItem {
  readonly name: string;
  /** As the form sends it. */
  readonly value: string;
  readonly sizeBytes: number | null;
  readonly registered: { readonly id: string; readonly name: string } | null;
  /** Why it can't be registered; a sentence. */
  readonly obstacle: string | null;
  readonly isTicked: boolean;
}

/** What a search found, and where the backups of what is ticked may go. */
export interface FoundList {
  readonly serverVersion: string | null;
  readonly found: readonly FoundItem[];
  readonly notes: readonly string[];
  readonly destinations: Destinations;
  /** For all of them. */
  readonly schedule: ScheduleChoices;
}

export interface Destinations {
  readonly choices: readonly Choice[];
  /** The one that is proposed; empty: somebody has to choose. */
  readonly proposed: string;
  /** True where the environment may not use the storage. */
  readonly storageIsOff: boolean;
  readonly storageIsConfigured: boolean;
  readonly mayEnable: boolean;
}

/** The answer to a search: a part of the form. */
export function Found({
  server,
  list,
  form,
}: {
  readonly server: SearchedServer;
  readonly list: FoundList;
  readonly form: FormState;
}) {
  const isOffered = list.found.some(({ registered, obstacle }) => registered === null && obstacle === null);
  const version = list.serverVersion === null ? '' : ` (server version ${list.serverVersion})`;
  return (
    <>
      {list.notes.length > 0 && (
        <ul class="search-notes">
          {list.notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
      {list.found.length === 0 ? (
        <p>No database was found{version}.</p>
      ) : (
        <>
          <p>
            {list.found.length === 1 ? '1 database' : `${list.found.length} databases`} found{version}.
          </p>
          <Table caption="Found databases" columns={[SELECT, 'Database', 'Size', 'Registered']}>
            {list.found.map((item, index) => (
              <FoundRow item={item} index={index} />
            ))}
          </Table>
        </>
      )}
      {isOffered && <Register server={server} list={list} form={form} />}
    </>
  );
}

function FoundRow({ item, index }: { readonly item: FoundItem; readonly index: number }) {
  const id = `found-${index}`;
  const isOffered = item.registered === null && item.obstacle === null;
  return (
    <tr>
      <td>
        {isOffered && (
          <>
            <input type="checkbox" id={id} name="found" value={item.value} checked={item.isTicked} />
            <input type="hidden" name="offered" value={item.value} />
          </>
        )}
      </td>
      <th scope="row">{isOffered ? <label for={id}>{item.name}</label> : item.name}</th>
      <td data-label="Size">{item.sizeBytes === null ? '–' : formatBytes(item.sizeBytes)}</td>
      <td data-label="Registered">
        {item.registered === null ? (
          (item.obstacle ?? 'no')
        ) : (
          <a href={`/databases/${item.registered.id}`}>as {item.registered.name}</a>
        )}
      </td>
    </tr>
  );
}

function Register({
  server,
  list: { destinations, schedule },
  form,
}: {
  readonly server: SearchedServer;
  readonly list: FoundList;
  readonly form: FormState;
}) {
  const { environment } = server;
  const values = { destination: destinations.proposed, ...form.values };
  return (
    <>
      {destinations.storageIsOff && (
        <Notice tone="warning">
          <p>
            {destinations.storageIsConfigured
              ? `${environment.name} may not use the storage yet, so its backups would lie on the very machine that they are to protect.`
              : 'No storage is configured yet, so backups would lie on the very machine that they are to protect.'}
          </p>
          <EnableStorage destinations={destinations} server={server} />
        </Notice>
      )}
      <SelectField
        form={{ ...form, values }}
        name="destination"
        label="Backup Storage"
        choices={
          destinations.proposed === ''
            ? [{ value: '', label: 'Choose where backups go' }, ...destinations.choices]
            : destinations.choices
        }
        conditional
      />
      <ScheduleChoice form={form} choices={schedule} />
      <div class="actions">
        <button type="submit" formaction={`/servers/${server.id}/find/register`}>
          Register the ticked databases
        </button>
      </div>
    </>
  );
}

/** The search is done again, so that the form stays filled. */
function EnableStorage({
  destinations: { storageIsConfigured, mayEnable },
  server,
}: {
  readonly destinations: Destinations;
  readonly server: SearchedServer;
}) {
  if (!mayEnable) return <p>An admin changes that under Admin &gt; Storage.</p>;
  if (!storageIsConfigured) {
    return (
      <p>
        <a href="/admin/storage/edit">Configure Spaces</a>, a bucket of any S3-compatible provider.
      </p>
    );
  }
  return (
    <button
      type="submit"
      class="secondary"
      formaction={`/servers/${server.id}/find?do=enable-storage`}
      formnovalidate
    >
      Enable storage for {server.environment.name}
    </button>
  );
}
