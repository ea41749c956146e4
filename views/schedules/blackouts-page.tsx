import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { AskLink, Dialog, type Question } from '../parts/dialog.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { CheckboxField, TextField } from '../parts/field.tsx';
import { Form } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import { Panel } from '../parts/panel.tsx';
import { ACTIONS, Table } from '../parts/table.tsx';

export interface ShownBlackout {
  readonly id: string;
  readonly weekdays: readonly number[];
  readonly from: string;
  readonly until: string;
  readonly reason: string | null;
}

/** The names of a form's fields, 0 is Sunday; a week begins with Monday. */
const DAYS = [
  ...[[1, 'Monday'] as const, [2, 'Tuesday'] as const, [3, 'Wednesday'] as const, [4, 'Thursday'] as const],
  ...[[5, 'Friday'] as const, [6, 'Saturday'] as const, [0, 'Sunday'] as const],
];

/** When nothing is begun on a server by schedule. */
export function BlackoutsPage(props: {
  readonly frame: Frame;
  readonly server: { readonly id: string; readonly name: string };
  readonly environmentName: string;
  readonly blackouts: readonly ShownBlackout[];
  /** The installation's zone. */
  readonly zone: string;
  readonly form: FormState;
  readonly question: Question | null;
}) {
  const { frame, server, blackouts, form } = props;
  const path = pathOf(server);
  const { mayChange } = frame.user;
  return (
    <Page
      frame={frame}
      section="servers"
      title={`Blackouts of ${server.name}`}
      back={{ href: `/servers/${server.id}`, label: server.name }}
      within={props.environmentName}
    >
      <Dialog question={props.question} />
      <p>
        Within these times no backup begins on the server by schedule: each that was due says so among its
        times. What people start is not held up. They are told by the clock of the schedule’s zone, usually{' '}
        {props.zone}.
      </p>
      {blackouts.length === 0 ? (
        <EmptyState title="Backups may begin at any time." />
      ) : (
        <Table caption="Blackouts" columns={['Begins on', 'From', 'Until', 'Because', ACTIONS]}>
          {blackouts.map((blackout) => (
            <tr key={blackout.id}>
              <td>{daysOf(blackout)}</td>
              <td data-label="From">{blackout.from}</td>
              <td data-label="Until">
                {blackout.until}
                {blackout.until <= blackout.from && ' the next day'}
              </td>
              <td data-label="Because">{blackout.reason ?? '–'}</td>
              <td>
                {mayChange && (
                  <AskLink
                    href={`${path}?remove=${blackout.id}`}
                    label="Remove"
                    accessibleLabel={`Remove ${daysOf(blackout)}, ${blackout.from} to ${blackout.until}`}
                  />
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
      {mayChange && (
        <Panel title="Add a blackout" id="add">
          <Form action={path} form={form} submit="Add blackout">
            <fieldset class="field">
              <legend>Begins on</legend>
              {DAYS.map(([day, label]) => (
                <CheckboxField key={day} form={form} name={`day${day}`} label={label} />
              ))}
              {form.errors['weekdays'] !== undefined && (
                <small class="field-error">{form.errors['weekdays']}</small>
              )}
            </fieldset>
            <TextField form={form} name="from" label="From" required placeholder="22:00" />
            <TextField
              form={form}
              name="until"
              label="Until"
              required
              placeholder="04:00"
              help="A time that is not after the beginning is the next day’s."
            />
            <TextField form={form} name="reason" label="Because" />
          </Form>
        </Panel>
      )}
    </Page>
  );
}

/** Whether to remove a blackout. */
export function questionOfBlackout(
  server: { readonly id: string; readonly name: string },
  blackout: ShownBlackout,
): Question {
  return {
    title: 'Remove this blackout?',
    action: `${pathOf(server)}/delete`,
    submit: 'Remove blackout',
    back: pathOf(server),
    children: (
      <>
        <input type="hidden" name="id" value={blackout.id} />
        <p>
          {daysOf(blackout)}, {blackout.from} to {blackout.until}: backups of {server.name} begin in this time
          again.
        </p>
      </>
    ),
  };
}

const pathOf = ({ id }: { readonly id: string }) => `/servers/${id}/blackouts`;

function daysOf({ weekdays }: ShownBlackout): string {
  if (weekdays.length === 7) return 'Every day';
  return DAYS.filter(([day]) => weekdays.includes(day))
    .map(([, label]) => label)
    .join(', ');
}
