import type { EnvironmentChoice } from '../frame/frame.ts';
import { Ago } from '../parts/ago.tsx';
import { Badge } from '../parts/badge.tsx';
import { AskLink, type Question } from '../parts/dialog.tsx';
import { CheckboxField, type Choice, SelectField, TextField } from '../parts/field.tsx';
import { Form, PostButton } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import { Panel } from '../parts/panel.tsx';
import { within } from '../parts/room.ts';
import { ACTIONS, Table } from '../parts/table.tsx';
import { PrivateHostsLink } from './private-hosts-link.tsx';
import type { Severity } from './severity-badge.tsx';

/** Of the last answer, in bytes of the page. */
const ROOM_FOR_ANSWER = 400;

export interface ChannelItem {
  readonly id: string;
  readonly name: string;
  readonly kindLabel: string;
  readonly host: string;
  readonly leastSeverity: Severity;
  /** Null: of all. */
  readonly environmentName: string | null;
  readonly lastOkAt: string | null;
  readonly lastError: string | null;
  readonly failingSince: string | null;
}

export interface KindChoice extends Choice {
  readonly example: string;
  readonly secretLabel: string | null;
}

const PATH = '/notifications/channels';

const SEVERITIES = [
  { value: 'critical', label: 'What is critical' },
  { value: 'warning', label: 'What is critical, and warnings' },
  { value: 'info', label: 'Everything that is sent' },
] as const;

/** Chat, and services of one's own: what there is, and a form for one more. */
export function ChannelPanel(props: {
  readonly channels: readonly ChannelItem[];
  readonly kinds: readonly KindChoice[];
  readonly environments: readonly EnvironmentChoice[];
  readonly form: FormState;
  readonly maySaveAnyway: boolean;
  /** The URL leads to a private address that nobody has named. */
  readonly isPrivate: boolean;
}) {
  const { channels, kinds, environments, form } = props;
  return (
    <>
      <Panel title="Channels" id="channels">
        {channels.length === 0 ? (
          <p>No channel is entered yet.</p>
        ) : (
          <Table caption="Channels" columns={['Name', 'Kind', 'Told of', 'Last taken', ACTIONS]}>
            {channels.map((channel) => (
              <Row key={channel.id} channel={channel} />
            ))}
          </Table>
        )}
      </Panel>
      <Panel title="Add a channel" id="new-channel">
        <Form action="/notifications/channels" form={form} submit="Test and add">
          <SelectField form={form} name="kind" label="Kind" choices={kinds} required />
          <TextField form={form} name="name" label="Name" placeholder="on-call chat" required />
          <TextField
            form={form}
            name="url"
            label="URL"
            type="password"
            required
            help={<Examples kinds={kinds} />}
          />
          <TextField
            form={form}
            name="secret"
            label="Secret"
            type="password"
            help={kinds
              .flatMap(({ label, secretLabel }) => (secretLabel === null ? [] : [`${label}: ${secretLabel}`]))
              .join('. ')}
          />
          <ChannelScopeFields form={form} environments={environments} />
          {props.isPrivate && <PrivateHostsLink />}
          {props.maySaveAnyway && (
            <CheckboxField form={form} name="saveAnyway" label="Add it though the test failed" />
          )}
        </Form>
      </Panel>
    </>
  );
}

/** What a channel is told of. */
export function ChannelScopeFields(props: {
  readonly form: FormState;
  readonly environments: readonly EnvironmentChoice[];
}) {
  const { form, environments } = props;
  return (
    <>
      <SelectField form={form} name="leastSeverity" label="Is told of" choices={SEVERITIES} required />
      <SelectField
        form={form}
        name="environmentId"
        label="Environment"
        choices={[
          { value: '', label: 'All environments' },
          ...environments.map(({ id, name }) => ({ value: id, label: name })),
        ]}
      />
    </>
  );
}

function Examples({ kinds }: { readonly kinds: readonly KindChoice[] }) {
  return (
    <>
      It is stored sealed and not shown again. A test message is sent there first.
      {kinds.map(({ value, label, example }) => (
        <span key={value} class="channel-example">
          {label}: <code>{example}</code>
        </span>
      ))}
    </>
  );
}

/** A badge would look as if the channel itself were ill. */
const TOLD_OF = { critical: 'critical', warning: 'critical and warnings', info: 'everything' } as const;

function Row({ channel }: { readonly channel: ChannelItem }) {
  const { id, name, kindLabel, host, environmentName, lastError, failingSince } = channel;
  const path = `${PATH}/${id}`;
  return (
    <tr>
      <th scope="row" class="notification">
        <span class="notification-title">{name}</span>{' '}
        {failingSince !== null && <Badge tone="error" text="failing" />}
        {lastError !== null && <p>{within(ROOM_FOR_ANSWER, lastError)}</p>}
      </th>
      <td data-label="Kind" class="words">
        {kindLabel} · {host}
      </td>
      <td data-label="Told of" class="words">
        {TOLD_OF[channel.leastSeverity]}, of {environmentName ?? 'all environments'}
      </td>
      <td data-label="Last taken">
        <Ago at={channel.lastOkAt} none="nothing yet" />
      </td>
      <td>
        <a href={path} aria-label={`Change ${name}`}>
          Change
        </a>{' '}
        <PostButton action={`${path}/test`} label="Test" accessibleLabel={`Test ${name}`} kind="link" />{' '}
        <AskLink href={`${PATH}?remove=${id}`} label="Remove" accessibleLabel={`Remove ${name}`} />
      </td>
    </tr>
  );
}

/** Whether to remove a channel. */
export function questionOfChannel({ id, name, kindLabel, host }: ChannelItem): Question {
  return {
    title: `Remove ${name}?`,
    action: `${PATH}/${id}/delete`,
    submit: 'Remove channel',
    back: PATH,
    children: (
      <p>
        {kindLabel} at {host}. Nothing is told there any more, and what is still to be sent is dropped. Its
        URL and its secret can’t be brought back.
      </p>
    ),
  };
}
