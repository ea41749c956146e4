import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { CheckboxField, TextField } from '../parts/field.tsx';
import { Form } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import { NotificationTabs } from './notification-tabs.tsx';
import type { TypeItem } from './types-page.tsx';

/** What one type does, for everybody who has said nothing else. */
export function TypeFormPage(props: {
  readonly frame: Frame;
  readonly type: TypeItem;
  readonly form: FormState;
}) {
  const { frame, type, form } = props;
  return (
    <Page frame={frame} section="notifications" title="Notifications">
      <NotificationTabs chosen="types" user={frame.user} />
      <h2>{type.name}</h2>
      <p>{type.description}</p>
      <Form
        action={`/notifications/types/${type.id}`}
        form={form}
        submit="Save"
        cancel="/notifications/types"
      >
        <CheckboxField form={form} name="enabled" label="It is told at all" />
        <fieldset>
          <legend>Unless its user wants otherwise</legend>
          <CheckboxField form={form} name="in_app" label="In the app" />
          <CheckboxField form={form} name="email" label="By mail" />
          <CheckboxField form={form} name="webhook" label="On channels that take what is so bad" />
        </fieldset>
        {type.isBounced && (
          <fieldset>
            <legend>While it lasts</legend>
            <CheckboxField form={form} name="bounceEnabled" label="Send one message, and not one each time" />
            <TextField
              form={form}
              name="bounceThreshold"
              label="From so many in a row"
              type="number"
              min={1}
              max={100}
              required
              help="1 to 100. Each stands in the app."
            />
            <TextField
              form={form}
              name="cooldownMinutes"
              label="Minutes before the next spell is sent"
              type="number"
              min={1}
              max={1440}
              required
              help="1 to 1440. One that begins sooner is sent when they are over, if it lasts."
            />
          </fieldset>
        )}
      </Form>
    </Page>
  );
}
