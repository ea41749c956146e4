import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { Exact } from '../parts/ago.tsx';
import { Badge } from '../parts/badge.tsx';
import { Facts } from '../parts/facts.tsx';
import { Notice } from '../parts/notice.tsx';
import { Table } from '../parts/table.tsx';
import { type AuditItem, Thing, Who } from './audit-row.tsx';
import { detailLines } from './detail-lines.ts';
import { actionWords, thingWords } from './words.ts';

/** One row of the audit, with all that it says. */
export function EntryPage({
  frame,
  item,
  hash,
}: {
  readonly frame: Frame;
  readonly item: AuditItem;
  readonly hash: string | null;
}) {
  const lines = detailLines(item.details);
  const hasBefore = lines.some(({ before }) => before !== null);
  return (
    <Page
      frame={frame}
      section="audit"
      title={`${thingWords(item.kind)}: ${actionWords(item.action)}`}
      back={{ href: '/admin/audit', label: 'Audit log' }}
      state={item.isDone ? undefined : <Badge tone="error" text="Failed or refused" />}
    >
      {item.error !== null && <Notice tone="error">{item.error}</Notice>}
      <Facts
        facts={[
          ['When', <Exact at={item.at} />],
          ['Who', <Who item={item} />],
          ['On what', item.thingName === null ? '–' : <Thing item={item} />],
          ['Environment', item.environmentName ?? '–'],
          ['From where', item.address === null ? '–' : <Found name="address" value={item.address} />],
          ['Request', item.requestId === null ? '–' : <Found name="requestId" value={item.requestId} />],
          ['Id of the thing', item.thingId === null ? '–' : <Found name="resourceId" value={item.thingId} />],
          ['Row of the chain', item.number === null ? 'not chained yet' : String(item.number)],
          ['Its hash', hash ?? '–'],
        ]}
      />
      {lines.length > 0 && (
        <Table caption="Details" columns={hasBefore ? ['Detail', 'Before', 'Now'] : ['Detail', 'Value']}>
          {lines.map(({ name, value, before }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {hasBefore && <td>{before === null ? '' : <del>{before}</del>}</td>}
              <td class="audit-value">{before === null ? value : <ins>{value}</ins>}</td>
            </tr>
          ))}
        </Table>
      )}
    </Page>
  );
}

/** A link to all rows with the same. */
function Found({ name, value }: { readonly name: string; readonly value: string }) {
  return <a href={`/admin/audit?${name}=${encodeURIComponent(value)}`}>{value}</a>;
}
