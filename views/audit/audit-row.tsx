import { Ago } from '../parts/ago.tsx';
import { Badge } from '../parts/badge.tsx';
import { within } from '../parts/room.ts';
import { detailLines } from './detail-lines.ts';
import { actionWords, pageOfThing, thingWords } from './words.ts';

/** One thing that was done. */
export interface AuditItem {
  readonly id: string;
  readonly at: string;
  /** In the chain; null while it waits. */
  readonly number: number | null;
  readonly action: string;
  readonly kind: string;
  readonly thingId: string | null;
  readonly thingName: string | null;
  /** JSON. */
  readonly details: string | null;
  readonly isDone: boolean;
  readonly error: string | null;
  /** Who did it, as they are called now; null: the installation itself, or nobody that is known. */
  readonly who: string | null;
  /** The list of what they did. */
  readonly whoHref: string | null;
  readonly tokenPrefix: string | null;
  readonly address: string | null;
  readonly requestId: string | null;
  readonly environmentName: string | null;
}

export function AuditRow({ item }: { readonly item: AuditItem }) {
  const summary = summaryOf(item);
  return (
    <tr>
      <td class="when">
        <a href={`/admin/audit/${item.id}`}>
          <span class="visually-hidden">{`${actionWords(item.action)}, `}</span>
          <Ago at={item.at} />
        </a>
      </td>
      <td class="who">
        <Who item={item} />
      </td>
      <th scope="row" class="what">
        {item.isDone ? actionWords(item.action) : <Badge tone="error" text={actionWords(item.action)} />}
        {summary !== '' && <small class="muted"> {summary}</small>}
      </th>
      <td class="thing">
        {thingWords(item.kind)} <Thing item={item} />
        {item.environmentName !== null && item.kind !== 'environment' && (
          <small class="muted"> {item.environmentName}</small>
        )}
      </td>
      <td class="from">{item.address ?? '–'}</td>
    </tr>
  );
}

export function Who({ item: { who, whoHref, tokenPrefix } }: { readonly item: AuditItem }) {
  return (
    <>
      {who === null ? '–' : whoHref === null ? who : <a href={whoHref}>{who}</a>}
      {tokenPrefix !== null && <small class="muted"> {tokenPrefix}…</small>}
    </>
  );
}

export function Thing({ item }: { readonly item: AuditItem }) {
  if (item.thingName === null) return null;
  const href = item.action === 'delete' ? null : pageOfThing(item.kind, item.thingId);
  return href === null ? item.thingName : <a href={href}>{item.thingName}</a>;
}

const SUMMARY = 100;
/** In bytes of the page, which has fifty of them. */
const ROOM_FOR_SUMMARY = 150;

/** Why it was refused, or the beginning of what was changed. */
function summaryOf({ error, details }: AuditItem): string {
  const lines = detailLines(details).map(({ name, value, before }) =>
    before === null ? `${name}: ${value}` : `${name}: ${before} → ${value}`,
  );
  const text = error ?? lines.join(', ');
  return within(ROOM_FOR_SUMMARY, text.length > SUMMARY ? `${text.slice(0, SUMMARY)}…` : text);
}
