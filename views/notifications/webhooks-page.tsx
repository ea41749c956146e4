import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { Ago } from '../parts/ago.tsx';
import { Badge } from '../parts/badge.tsx';
import { CopyBlock } from '../parts/copy-block.tsx';
import { AskLink, Dialog, type Question } from '../parts/dialog.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { CheckboxField, SelectField, TextField } from '../parts/field.tsx';
import { Form, PostButton } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import { Notice } from '../parts/notice.tsx';
import { type PageOfMany, Pager, samePage } from '../parts/pager.tsx';
import { Panel } from '../parts/panel.tsx';
import { within } from '../parts/room.ts';
import { ACTIONS, Table } from '../parts/table.tsx';
import { withQuery } from '../parts/with-query.ts';
import { DELIVERY_STATES, DELIVERY_TONES, type DeliveryItem } from './deliveries-page.tsx';
import { NotificationTabs } from './notification-tabs.tsx';
import { PrivateHostsLink } from './private-hosts-link.tsx';

/** Of the last answer, in bytes of the page. */
const ROOM_FOR_ANSWER = 300;

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
  /** What became of the newest that was sent to it; null where nothing was yet. */
  readonly last: LastSent | null;
}

interface LastSent {
  readonly status: DeliveryItem['status'];
  readonly createdAt: string;
  readonly lastError: string | null;
}

const PATH = '/notifications/webhooks';

/** Who is told of each backup of an environment: what there is, and a form for one more. */
export function WebhooksPage(props: {
  readonly frame: Frame;
  readonly webhooks: readonly WebhookItem[];
  readonly page: PageOfMany;
  readonly form: FormState;
  /** What was typed leads to a private address that nobody has named. */
  readonly isPrivate: boolean;
  /** One that was just made: shown this once. */
  readonly secret: string | null;
  /** Why a test was not taken just now. */
  readonly trouble: string | null;
  readonly question: Question | null;
}) {
  const { frame, webhooks, page, form, isPrivate, secret, trouble } = props;
  return (
    <Page frame={frame} section="notifications" title="Notifications">
      <NotificationTabs chosen="webhooks" user={frame.user} />
      <Dialog question={props.question} />
      {trouble !== null && <Notice tone="error">{trouble}</Notice>}
      {secret !== null && (
        <>
          <Notice tone="warning">The webhook is added. Copy its secret now: it is not shown again.</Notice>
          <CopyBlock id="webhook-secret" text={secret} label="Secret of the webhook" />
        </>
      )}
      {page.total === 0 ? (
        <EmptyState title="No webhooks yet">
          <p>A webhook tells a program of yours of each backup of an environment, good or failed.</p>
        </EmptyState>
      ) : (
        <>
          <Table caption="Webhooks" columns={['URL', 'Environment', 'Told of', 'Last sent', ACTIONS]}>
            {webhooks.map((webhook) => (
              <Row key={webhook.id} webhook={webhook} path={samePage(PATH, page)} />
            ))}
          </Table>
          <Pager page={page} path={PATH} />
        </>
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
          {isPrivate && frame.user.isAdmin && <PrivateHostsLink />}
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

function Row({ webhook, path }: { readonly webhook: WebhookItem; readonly path: string }) {
  const { id, environmentId, environmentName, isReadable, events, hasSecret, enabled, last } = webhook;
  const url = isReadable ? webhook.url : UNREADABLE;
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
      <td data-label="Environment" class="words">
        {environmentName}
      </td>
      <td data-label="Told of">{events.join(', ')}</td>
      <td data-label="Last sent" class="notification">
        {last === null ? 'nothing yet' : <Last last={last} />}
      </td>
      <td>
        {isReadable && (
          <PostButton
            action={`${PATH}/${id}/test`}
            label="Test"
            accessibleLabel={`Test ${url}`}
            kind="link"
            values={{ environmentId }}
          />
        )}{' '}
        <AskLink href={withQuery(path, 'remove', id)} label="Remove" accessibleLabel={`Remove ${url}`} />
      </td>
    </tr>
  );
}

function Last({ last: { status, createdAt, lastError } }: { readonly last: LastSent }) {
  return (
    <>
      <Badge tone={DELIVERY_TONES[status]} text={DELIVERY_STATES[status]} /> <Ago at={createdAt} />
      {lastError !== null && <p>{within(ROOM_FOR_ANSWER, lastError)}</p>}
    </>
  );
}

const UNREADABLE = 'an address that can’t be read';

/** Whether to remove a webhook. `back` is the page without the question. */
export function questionOfWebhook(
  { id, environmentId, url, isReadable }: WebhookItem,
  back: string,
): Question {
  return {
    title: 'Remove the webhook?',
    action: `${PATH}/${id}/delete`,
    submit: 'Remove webhook',
    back,
    children: (
      <>
        <input type="hidden" name="environmentId" value={environmentId} />
        <p>{isReadable ? <code>{url}</code> : UNREADABLE}</p>
        <p>
          Nothing is told there any more, and what is still to be sent is dropped. Its secret can’t be brought
          back.
        </p>
      </>
    ),
  };
}
