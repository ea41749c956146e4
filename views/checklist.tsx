import { FindForm, type FindFormProps } from './find-databases.tsx';
import { FirstContact, type SeenHostKey } from './first-contact.tsx';
import type { EnvironmentChoice } from './frame/frame.ts';
import { HostAddressFields } from './new-host.tsx';
import { Form, PostButton } from './parts/form.tsx';
import { freshForm } from './parts/form-state.ts';
import { CopyMasterKey, type KeyCopy } from './parts/master-key-banner.tsx';
import { Notice } from './parts/notice.tsx';
import { type Step, Steps } from './parts/steps.tsx';
import { OwnMachine } from './server.tsx';
import { AuthorizedKeysLine } from './ssh-key.tsx';
import { NewStorageForm, type StorageFormProps } from './storage-form.tsx';

/** The way to the first backup that was read back, each step a form of its own. What is done has a summary. */
export interface ChecklistProps {
  readonly environment: EnvironmentChoice | null;
  readonly isAdmin: boolean;
  readonly mayChange: boolean;
  readonly masterKey: KeyCopy & { readonly isKept: boolean };
  readonly storage: {
    /** Null while none is configured. */
    readonly summary: string | null;
    readonly isEnabled: boolean;
    readonly form: StorageFormProps | null;
  };
  readonly host: {
    /** Null while none was reached. */
    readonly reached: { readonly id: string; readonly name: string; readonly detail: string } | null;
    /** One that is added and was not reached yet. */
    readonly waiting: { readonly id: string; readonly name: string; readonly isOwn: boolean } | null;
    /** Its host key, where somebody asked for it; null: not looked at yet. */
    readonly seen: SeenHostKey | null;
    readonly line: { readonly line: string; readonly user: string } | null;
    /** Null where the app's own machine is no host. */
    readonly ownMachine: { readonly isContainer: boolean } | null;
  };
  readonly databases: {
    readonly count: number;
    /** Null while there is no server to look on. */
    readonly form: FindFormProps | null;
    /** The first of them, to back up. */
    readonly first: readonly { readonly id: string; readonly name: string }[];
  };
}

export function Checklist(props: ChecklistProps) {
  return <Steps label="Your first backup" title="Your first backup, read back" steps={stepsOf(props)} />;
}

function stepsOf(props: ChecklistProps): readonly Step[] {
  const { masterKey: key, storage, host, databases, isAdmin, mayChange } = props;
  return [
    {
      title: 'Keep a copy of the master key',
      isDone: key.isKept,
      words: key.isKept
        ? 'Without it no stored secret can be read again.'
        : 'It opens every stored secret, and was made at the first start. Copy it to a place that is not this machine: now, or after the first backup. You are reminded until it is done.',
      body: isAdmin ? <CopyMasterKey command={key.command} isCommand={key.isCommand} /> : <ForAdmins />,
      canWait: true,
      page: isAdmin ? { href: '/admin/master-key', label: 'Show' } : null,
    },
    {
      title: 'Connect a storage',
      isDone: storage.summary !== null && storage.isEnabled,
      words:
        storage.summary ??
        'A bucket of any S3-compatible provider. What you enter is tried before it is saved.',
      body: isAdmin ? <StorageStep {...props} /> : <ForAdmins />,
      page: isAdmin && storage.summary !== null ? { href: '/admin/storage', label: 'Change' } : null,
    },
    {
      title: 'Reach a database host',
      isDone: host.reached !== null,
      words: host.reached?.detail ?? hostWords(host.waiting),
      body: mayChange ? <HostStep {...props} /> : <ForOperators />,
      page:
        host.reached === null
          ? null
          : { href: `/servers/${host.reached.id}`, label: mayChange ? 'Change' : 'Show' },
    },
    {
      title: 'Add databases',
      isDone: databases.count > 0,
      words:
        databases.count > 0
          ? `${databases.count === 1 ? '1 is' : `${databases.count} are`} registered.`
          : 'Found on the host: tick those that are to be backed up.',
      body: mayChange ? databases.form !== null && <FindForm {...databases.form} /> : <ForOperators />,
      page: databases.count > 0 ? { href: '/databases', label: 'Show' } : null,
    },
    {
      title: 'Back up, and watch it being read back',
      isDone: false,
      words:
        'A backup is complete once its size, its first and its last byte were read back from where it lies and agree with what was sent. In full it is read later, and whenever you ask.',
      body: mayChange ? <BackUpStep databases={databases.first} /> : <ForOperators />,
      page: null,
    },
  ];
}

function hostWords(waiting: ChecklistProps['host']['waiting']): string {
  if (waiting === null)
    return 'Type its address. The key is made here: you get one line of it to paste there.';
  return waiting.isOwn
    ? `${waiting.name} is added. Test it.`
    : `${waiting.name} is added. Let it in, and test it.`;
}

const ForAdmins = () => <p>An admin does this.</p>;
const ForOperators = () => <p>An operator or an admin does this.</p>;

function StorageStep({ storage, environment }: ChecklistProps) {
  if (storage.form !== null) return <NewStorageForm {...storage.form} />;
  if (environment === null) return <MakeEnvironment />;
  return (
    <PostButton
      action={`/admin/storage/environments/${environment.id}`}
      label={`Enable storage for ${environment.name}`}
      kind="primary"
      values={{ enabled: 'true', next: '/' }}
    />
  );
}

function MakeEnvironment() {
  return (
    <a class="button" href="/environments/new">
      Create an environment
    </a>
  );
}

function HostStep({ environment, host, isAdmin }: ChecklistProps) {
  const { waiting, seen, line, ownMachine } = host;
  if (environment === null) return isAdmin ? <MakeEnvironment /> : <ForAdmins />;
  if (waiting !== null) {
    return (
      <>
        {waiting.isOwn ? (
          <OwnMachine isContainer={ownMachine?.isContainer === true} />
        ) : (
          line !== null && <AuthorizedKeysLine {...line} />
        )}
        {waiting.isOwn && seen !== null && 'problem' in seen && (
          <Notice tone="warning">{seen.problem}</Notice>
        )}
        {waiting.isOwn ? (
          <div class="actions">
            <PostButton
              action={`/servers/${waiting.id}/test`}
              label="Test"
              accessibleLabel={`Test: ${waiting.name}`}
              kind="primary"
              values={{ next: '/' }}
            />
            <a href={`/servers/${waiting.id}`}>Its page</a>
          </div>
        ) : (
          <FirstContact server={waiting} seen={seen} />
        )}
      </>
    );
  }
  const add = `/environments/${environment.id}/hosts`;
  return (
    <>
      <Form action={add} form={freshForm()} submit="Add the server">
        <HostAddressFields form={freshForm({ sshPort: '22' })} />
      </Form>
      {ownMachine !== null && (
        <details>
          <summary>The databases are on this machine</summary>
          <OwnMachine isContainer={ownMachine.isContainer} />
          <PostButton action={add} label="Add this machine" values={{ address: 'localhost' }} />
        </details>
      )}
    </>
  );
}

function BackUpStep({ databases }: { readonly databases: ChecklistProps['databases']['first'] }) {
  return (
    <ul class="checklist-databases">
      {databases.map(({ id, name }) => (
        <li key={id}>
          <a href={`/databases/${id}`}>{name}</a>
          <PostButton
            action={`/databases/${id}/backups`}
            label="Back up now"
            accessibleLabel={`Back up now: ${name}`}
            kind="primary"
          />
        </li>
      ))}
    </ul>
  );
}
