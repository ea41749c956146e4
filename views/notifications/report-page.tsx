import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { PostButton } from '../parts/form.tsx';
import { Panel } from '../parts/panel.tsx';
import { Table } from '../parts/table.tsx';
import { NotificationTabs } from './notification-tabs.tsx';

export interface ShownReport {
  readonly title: string;
  readonly summary: string;
  readonly sections: readonly ReportSection[];
}

interface ReportSection {
  readonly title: string;
  readonly lines: readonly string[];
  readonly table: {
    readonly columns: readonly string[];
    readonly rows: readonly { readonly cells: readonly string[]; readonly path: string | null }[];
  } | null;
}

/** The weekly report as it stands now, whether it is mailed to the user, and a button that does it at once. */
export function ReportPage(props: {
  readonly frame: Frame;
  readonly report: ShownReport;
  readonly isMailed: boolean;
  readonly hasServer: boolean;
}) {
  const { frame, report, isMailed, hasServer } = props;
  return (
    <Page
      frame={frame}
      section="notifications"
      title="Notifications"
      actions={hasServer && <PostButton action="/notifications/report/send" label="Mail it to me now" />}
    >
      <NotificationTabs chosen="report" user={frame.user} />
      <p>
        As it would be sent now. {mailedWords(isMailed, hasServer)} See{' '}
        <a href="/notifications/preferences">What I am told</a>.
      </p>
      <h2>{report.title}</h2>
      <p>{report.summary}</p>
      {report.sections.map((section) => (
        <Section key={section.title} section={section} />
      ))}
    </Page>
  );
}

function mailedWords(isMailed: boolean, hasServer: boolean): string {
  if (!hasServer) return 'It is not mailed to anybody: an admin has to enter a mail server first.';
  return isMailed ? 'It is mailed to you on Mondays at eight.' : 'It is not mailed to you.';
}

function Section({ section: { title, lines, table } }: { readonly section: ReportSection }) {
  return (
    <Panel title={title}>
      {lines.map((line) => (
        <p key={line}>{line}</p>
      ))}
      {table !== null && (
        <Table caption={title} columns={table.columns}>
          {table.rows.map(({ cells, path }) => (
            <Row key={cells.join(' ')} cells={cells} columns={table.columns} path={path} />
          ))}
        </Table>
      )}
    </Panel>
  );
}

function Row(props: {
  readonly cells: readonly string[];
  readonly columns: readonly string[];
  readonly path: string | null;
}) {
  const [first = '', ...others] = props.cells;
  return (
    <tr>
      <th scope="row">{props.path === null ? first : <a href={props.path}>{first}</a>}</th>
      {others.map((cell, index) => (
        <td key={props.columns[index + 1]} data-label={props.columns[index + 1]}>
          {cell}
        </td>
      ))}
    </tr>
  );
}
