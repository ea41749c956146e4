import type { EnvironmentChoice, Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { CheckboxField, TextField } from '../parts/field.tsx';
import { Form } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import { ChannelScopeFields } from './channel-panel.tsx';
import { NotificationTabs } from './notification-tabs.tsx';
import { PrivateHostsLink } from './private-hosts-link.tsx';

/** One channel, to be changed; what is secret of it is not shown. */
export function ChannelFormPage(props: {
  readonly frame: Frame;
  readonly channel: {
    readonly id: string;
    readonly name: string;
    readonly host: string;
    readonly hasSecret: boolean;
    readonly label: string;
    readonly example: string;
    readonly secretLabel: string | null;
  };
  readonly environments: readonly EnvironmentChoice[];
  readonly form: FormState;
  readonly maySaveAnyway: boolean;
  /** The URL leads to a private address that nobody has named. */
  readonly isPrivate: boolean;
}) {
  const { frame, channel, environments, form } = props;
  return (
    <Page frame={frame} section="notifications" title="Notifications">
      <NotificationTabs chosen="channels" user={frame.user} />
      <h2>{channel.name}</h2>
      <p>
        {channel.label} at {channel.host}. A new URL or secret is tried with a test message before it is
        saved.
      </p>
      <Form
        action={`/notifications/channels/${channel.id}`}
        form={form}
        submit="Save"
        cancel="/notifications/channels"
      >
        <TextField form={form} name="name" label="Name" required />
        <TextField
          form={form}
          name="url"
          label="New URL"
          type="password"
          help={
            <>
              Leave it blank to keep the present one. Such as <code>{channel.example}</code>
            </>
          }
        />
        {channel.secretLabel !== null && (
          <TextField
            form={form}
            name="secret"
            label="New secret"
            type="password"
            help={`${channel.secretLabel}. ${channel.hasSecret ? 'Leave it blank to keep the present one, but for another host.' : 'There is none yet.'}`}
          />
        )}
        {channel.hasSecret && (
          <CheckboxField form={form} name="forgetSecret" label="Forget the present secret" />
        )}
        <ChannelScopeFields form={form} environments={environments} />
        {props.isPrivate && <PrivateHostsLink />}
        {props.maySaveAnyway && (
          <CheckboxField form={form} name="saveAnyway" label="Save it though the test failed" />
        )}
      </Form>
    </Page>
  );
}
