import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { Ago } from '../parts/ago.tsx';
import { Confirm } from '../parts/confirm.tsx';
import { CopyBlock } from '../parts/copy-block.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { CheckboxField, SelectField, TextField } from '../parts/field.tsx';
import { Form, PostButton } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import { Notice } from '../parts/notice.tsx';
import { Panel } from '../parts/panel.tsx';
import { ACTIONS, Table } from '../parts/table.tsx';
import { NotificationTabs } from './notification-tabs.tsx';

export interface WebhookItem {
  readonly id: string;
  readonly environmentId: string;
  readonly environmentName: string;
  readonly url: string;
  /** Else its address is not known, and nothing is sent. */
  readonly isReadable: boolean;
  readonly events: readonly string[];
  readonly hasSecret: boolean;
  readonly enabled: boolean;
  readonly createdAt: string;
}

/** Who is told of each backup of an environment: what there is, and a form for one more. */
export function WebhooksPage(props: {
  readonly frame: Frame;
  readonly webhooks: readonly WebhookItem[];
  readonly form: FormState;
  /** One that was just made: shown this once. */
  readonly secret: string | null;
}) {
  const { frame, webhooks, form, secret } = props;
  return (
    <Page frame={frame} section="notifications" title="Notifications">
      <NotificationTabs chosen="webhooks" role={frame.user.role} />
      {secret !== null && (
        <>
          <Notice tone="warning">The webhook is added. Copy its secret now: it is not shown again.</Notice>
          <CopyBlock id="webhook-secret" text={secret} label="Secret of the webhook" />
        </>
      )}
      {webhooks.length === 0 ? (
        <EmptyState title="No webhooks yet">
          <p>A webhook tells a program of yours of each backup of an environment, good or failed.</p>
        </EmptyState>
      ) : (
        <Table caption="Webhooks" columns={['URL', 'Environment', 'Told of', 'Since', ACTIONS]}>
          {webhooks.map((webhook) => (
            <Row key={webhook.id} webhook={webhook} />
          ))}
        </Table>
      )}
      <Panel title="Add a webhook" id="new-webhook">
        <Form action="/notifications/webhooks" form={form} submit="Add webhook">
          <SelectField
            form={form}
            name="environmentId"
            label="Environment"
            choices={frame.environments.map(({ id, name }) => ({ value: id, label: name }))}
            required
          />
          <TextField form={form} name="url" label="URL" placeholder="https://example.com/hook" required />
          <CheckboxField form={form} name="completed" label="Tell it of backups that were completed" />
          <CheckboxField form={form} name="failed" label="Tell it of backups that failed" />
          <CheckboxField
            form={form}
            name="generateSecret"
            label="Sign what is sent, with a secret that is made here"
            help="It is shown once. Standard Webhooks’ libraries check it."
          />
        </Form>
      </Panel>
    </Page>
  );
}

function Row({ webhook }: { readonly webhook: WebhookItem }) {
  const { id, environmentId, environmentName, isReadable, events, hasSecret, enabled, createdAt } = webhook;
  const url = isReadable ? webhook.url : 'an address that can’t be read';
  const values = { environmentId };
  const path = `/notifications/webhooks/${id}`;
  return (
    <tr>
      <th scope="row" class="notification">
        <span class="notification-title">{url}</span>
        <p>
          {isReadable
            ? `${hasSecret ? 'signed' : 'not signed'}${enabled ? '' : ' · off'}`
            : 'Its address was sealed with a master key that is not there: nothing is sent to it. Remove it and add it again.'}
        </p>
      </th>
      <td data-label="Environment">{environmentName}</td>
      <td data-label="Told of">{events.join(', ')}</td>
      <td data-label="Since">
        <Ago at={createdAt} />
      </td>
      <td>
        {isReadable && (
          <PostButton
            action={`${path}/test`}
            label="Test"
            accessibleLabel={`Test ${url}`}
            kind="link"
            values={values}
          />
        )}{' '}
        <Confirm
          id={`remove-${id}`}
          label="Remove"
          accessibleLabel={`Remove ${url}`}
          title="Remove this webhook?"
          action={`${path}/delete`}
          submit="Remove webhook"
          kind="link"
          values={values}
        >
          <p>{url} is told of nothing any more, and what signs its messages is forgotten.</p>
        </Confirm>
      </td>
    </tr>
  );
}
