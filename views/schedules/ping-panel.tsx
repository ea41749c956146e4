import { Ago } from '../parts/ago.tsx';
import { Confirm } from '../parts/confirm.tsx';
import { SelectField, TextField } from '../parts/field.tsx';
import { Form, PostButton } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import { Notice } from '../parts/notice.tsx';
import { Panel } from '../parts/panel.tsx';

export interface ShownPing {
  readonly host: string;
  readonly protocol: 'healthchecks' | 'plain';
  readonly lastPing: {
    readonly kind: 'start' | 'success' | 'fail' | 'test';
    readonly at: string;
    readonly ok: boolean;
    readonly error: string | null;
  } | null;
  readonly waiting: number;
}

/** The dead man's switch that is told of each backup of a database. */
export function PingPanel(props: {
  readonly databaseId: string;
  readonly ping: ShownPing | null;
  readonly form: FormState;
  readonly mayChange: boolean;
}) {
  const { ping, form, mayChange } = props;
  const path = `/databases/${props.databaseId}/ping`;
  if (ping === null && !mayChange) return null;
  return (
    <Panel title="Dead man’s switch" id="ping">
      {ping === null ? (
        <p>
          A service elsewhere raises the alarm when no backup was told of in time, also when BRIDGEPORT itself
          is down: healthchecks.io, or one of your own.
        </p>
      ) : (
        <Told ping={ping} />
      )}
      {mayChange && (
        <>
          <Form action={path} form={form} submit="Save address">
            <TextField
              form={form}
              name="url"
              label="Address to ping"
              type="password"
              conditional
              required={ping === null}
              placeholder={ping === null ? 'https://hc-ping.com/…' : `https://${ping.host}/…`}
              help={
                ping === null
                  ? 'Its http or https URL. It is stored sealed and not shown again.'
                  : 'Empty: the one that is stored.'
              }
            />
            <SelectField
              form={form}
              name="protocol"
              label="What it is told"
              choices={[
                { value: '', label: 'As its address suggests' },
                { value: 'healthchecks', label: 'Start, success and failure (healthchecks.io)' },
                { value: 'plain', label: 'Success alone, by a plain GET' },
              ]}
            />
          </Form>
          {ping !== null && (
            <div class="actions">
              <PostButton action={`${path}/test`} label="Send a test ping" />
              <Confirm
                id="remove-ping"
                label="Remove the address"
                title="Tell this service of no backup any more?"
                action={`${path}/delete`}
                submit="Remove address"
              >
                <p>It will raise its alarm when it is told nothing: pause or delete its check there too.</p>
              </Confirm>
            </div>
          )}
        </>
      )}
    </Panel>
  );
}

const KINDS = { start: 'a start', success: 'a success', fail: 'a failure', test: 'a test' } as const;

function Told({ ping }: { readonly ping: ShownPing }) {
  const { host, protocol, lastPing, waiting } = ping;
  const what =
    protocol === 'healthchecks' ? 'the start and the end of each backup' : 'each backup that ended well';
  return (
    <>
      <p>
        <strong>{host}</strong> is told of {what}.{' '}
        {lastPing === null ? (
          'Nothing was sent yet.'
        ) : (
          <>
            {lastPing.ok ? 'It took' : 'It did not take'} {KINDS[lastPing.kind]} <Ago at={lastPing.at} />.
          </>
        )}
        {waiting > 0 && ` ${waiting} still to be sent.`}
      </p>
      {lastPing?.error != null && <Notice tone="warning">{lastPing.error}</Notice>}
    </>
  );
}
