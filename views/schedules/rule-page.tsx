import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { Confirm } from '../parts/confirm.tsx';
import { type Choice, SelectField, TextField } from '../parts/field.tsx';
import { Form } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import { Presets, ScheduleFields } from './schedule-fields.tsx';

/** A schedule for many databases: the form of a new one, or of one that is there. */
export function RulePage(props: {
  readonly frame: Frame;
  /** Null: a new one. */
  readonly rule: { readonly id: string; readonly name: string; readonly databases: number } | null;
  readonly form: FormState;
  readonly engines: readonly Choice[];
  readonly zone: string;
  readonly drillServers: readonly Choice[] | null;
}) {
  const { frame, rule, form } = props;
  const path = rule === null ? '/schedules/rules/new' : `/schedules/rules/${rule.id}`;
  const environments = frame.environments.map(({ id, name }) => ({ value: id, label: name }));
  return (
    <Page
      frame={frame}
      section="schedules"
      title={rule === null ? 'Add rule' : rule.name}
      back={{ href: '/schedules', label: 'Schedules' }}
    >
      {rule !== null && (
        <p>It counts for {rule.databases === 1 ? 'one database' : `${rule.databases} databases`} now.</p>
      )}
      <Form action={path} form={form} submit="Save rule" cancel="/schedules" hasInnerButtons>
        <TextField form={form} name="name" label="Name" required />
        <Presets path={path} form={form} />
        <ScheduleFields form={form} zone={props.zone} drillServers={props.drillServers} />
        <h2>For which databases</h2>
        <p class="field-help">
          All that are left empty: every database that can be backed up. Of several rules that fit, the one
          that asks for more counts; a database’s own schedule counts before all.
        </p>
        <SelectField
          form={form}
          name="environmentId"
          label="Environment"
          choices={[{ value: '', label: 'All environments' }, ...environments]}
        />
        <SelectField
          form={form}
          name="engine"
          label="Engine"
          choices={[{ value: '', label: 'All engines' }, ...props.engines]}
        />
        <TextField form={form} name="tag" label="Tag of the server" />
      </Form>
      {rule !== null && (
        <div class="actions">
          <Confirm
            id="delete-rule"
            label="Delete rule"
            title={`Delete the rule “${rule.name}”?`}
            action={`${path}/delete`}
            submit="Delete rule"
          >
            <p>
              It counts for {rule.databases === 1 ? 'one database' : `${rule.databases} databases`} now. Those
              that no other schedule counts for are not backed up by themselves any more.
            </p>
          </Confirm>
        </div>
      )}
    </Page>
  );
}
