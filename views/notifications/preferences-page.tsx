import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { Form } from '../parts/form.tsx';
import { freshForm } from '../parts/form-state.ts';
import { Table } from '../parts/table.tsx';
import { NotificationTabs } from './notification-tabs.tsx';
import { type Severity, SeverityBadge } from './severity-badge.tsx';

export interface PreferenceItem {
  readonly typeId: string;
  readonly name: string;
  readonly description: string;
  readonly severity: Severity;
  readonly inApp: boolean;
  readonly email: boolean;
}

/** What the user is told of, and how: a row of boxes for each type. */
export function PreferencesPage({
  frame,
  items,
  hasServer,
}: {
  readonly frame: Frame;
  readonly items: readonly PreferenceItem[];
  /** A mail server is entered. */
  readonly hasServer: boolean;
}) {
  return (
    <Page frame={frame} section="notifications" title="Notifications">
      <NotificationTabs chosen="preferences" role={frame.user.role} />
      <p>
        Mail goes to <strong>{frame.user.email}</strong>
        {hasServer
          ? '.'
          : ', once an admin has entered a mail server: until then you are told in the app alone.'}{' '}
        What lasts is mailed once, and again when it is over.
      </p>
      <Form action="/notifications/preferences" form={freshForm()} submit="Save">
        <Table caption="What I am told" columns={['What', 'Severity', 'In the app', 'By mail']}>
          {items.map(({ typeId, name, description, severity, inApp, email }) => (
            <tr key={typeId}>
              <th scope="row" class="notification">
                <span class="notification-title">{name}</span>
                <p>{description}</p>
              </th>
              <td data-label="Severity">
                <SeverityBadge severity={severity} />
                <input type="hidden" name={`shown.${typeId}`} value="true" />
              </td>
              <td data-label="In the app">
                <Box name={`inApp.${typeId}`} label={`${name}: in the app`} isTicked={inApp} />
              </td>
              <td data-label="By mail">
                <Box name={`email.${typeId}`} label={`${name}: by mail`} isTicked={email} />
              </td>
            </tr>
          ))}
        </Table>
      </Form>
    </Page>
  );
}

function Box(props: { readonly name: string; readonly label: string; readonly isTicked: boolean }) {
  return (
    <input type="checkbox" name={props.name} value="true" checked={props.isTicked} aria-label={props.label} />
  );
}
