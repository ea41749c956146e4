import { RadioField, SelectField, TextField } from '../parts/field.tsx';
import { lacksRights, type RestorePageProps } from './restore-props.ts';

/** Where a backup is restored to, as the form says it. */
export type RestoreWhere = 'beside' | 'elsewhere' | 'in-place';

/** As the form has it; one that says nothing of it is for the server that it names. */
export function whereOf({ form, ownServerId }: Pick<RestorePageProps, 'form' | 'ownServerId'>): RestoreWhere {
  const { where, serverId } = form.values;
  if (where === 'beside' || where === 'elsewhere' || where === 'in-place') return where;
  return serverId === undefined || serverId === ownServerId ? 'beside' : 'elsewhere';
}

/** Beside it, on another server, or in its place; then under which name, and as whom. */
export function Where(props: RestorePageProps) {
  const { database, servers, ownServerId, frame } = props;
  const form = { ...props.form, values: { ...props.form.values, where: whereOf(props) } };
  const others = servers.filter(({ id }) => id !== ownServerId);
  const { isAdmin } = frame.user;
  // One that is gone was chosen: the field says so.
  const hasOthers = others.length > 0 || form.errors['serverId'] !== undefined;
  return (
    <div class="restore-where">
      <RadioField
        form={form}
        name="where"
        label="Restore it"
        choices={[
          { value: 'beside', label: `Beside ${database.name}, under a new name` },
          ...(!hasOthers ? [] : [{ value: 'elsewhere', label: 'On another server' }]),
          ...(database.swaps ? [{ value: 'in-place', label: `In place of ${database.name}` }] : []),
        ]}
        required
      />
      {hasOthers && (
        <div class="when-elsewhere">
          <SelectField
            form={form}
            name="serverId"
            label="Server"
            // Only where another one is meant.
            conditional
            choices={others.map(({ id, name, environmentName, isElsewhere }) => ({
              value: id,
              label: isElsewhere ? `${name} (${environmentName})` : name,
            }))}
          />
          {isAdmin && others.some(({ isElsewhere }) => isElsewhere) && (
            <TextField
              form={form}
              name="confirm"
              label="Name of the other environment"
              help="Only where the server is of another environment: its name, to confirm it."
              spellcheck={false}
            />
          )}
        </div>
      )}
      {database.swaps && (
        <div class="when-in-place">
          <p>
            What is there now is backed up first, and kept beside it under another name until you drop it.
          </p>
          <a class="button outline" href={`/backups/${props.backup.id}/restore-in-place`}>
            Restore in place…
          </a>
        </div>
      )}
      <div class="when-new">
        <TextField
          form={form}
          name="newName"
          label={database.isFile ? 'Path of the new file' : 'Name of the new database'}
          help={
            database.isFile
              ? 'Whole, on that server. It must not be there yet.'
              : 'It must not be there yet. As it is proposed, the next free one is taken.'
          }
          spellcheck={false}
        />
        {!database.isFile && <Login {...props} />}
      </div>
    </div>
  );
}

/** Mostly as the database's settings and the server's login for restores say. */
function Login({ form, ownServerId, proposed, checks }: RestorePageProps) {
  const fields = ['host', 'port', 'username', 'password'];
  const isOpen =
    whereOf({ form, ownServerId }) === 'elsewhere' ||
    lacksRights(checks) ||
    fields.some((name) => form.errors[name] !== undefined) ||
    fields.some((name) => (form.values[name] ?? '') !== (proposed[name] ?? ''));
  const { host = '', port = '' } = proposed;
  return (
    <details class="restore-login" open={isOpen}>
      <summary>
        Signs in at {host === '' ? 'the server itself' : host}
        {port === '' ? '' : ` port ${port}`}, as the login for restores of that server, else as who backs up
      </summary>
      <TextField form={form} name="host" label="Host" help="As seen from that server." spellcheck={false} />
      <TextField form={form} name="port" label="Port" type="number" min={1} max={65_535} />
      <TextField
        form={form}
        name="username"
        label="User"
        autocomplete="off"
        spellcheck={false}
        help="For this restore alone, and forgotten when it has ended. Left empty: the login for restores of that server where one is stored, else the user that backs up, who may not have the rights. On another server one of both is needed."
      />
      <TextField form={form} name="password" label="Password" type="password" autocomplete="off" />
    </details>
  );
}
