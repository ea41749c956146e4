import type { EnvironmentChoice } from './frame/frame.ts';
import type { Question } from './parts/dialog.tsx';
import { FirstNames, type FirstOf } from './parts/first-of.tsx';
import { formatBytes } from './parts/format.ts';
import { Notice } from './parts/notice.tsx';
import { TypedName } from './parts/typed-name.tsx';

export interface EnvironmentContents {
  readonly servers: FirstOf;
  readonly databases: FirstOf;
  /** Completed ones, whose records go and whose files stay. */
  readonly backups: number;
  readonly bytes: number;
}

const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Whether to delete an environment, with what goes with it. `message` says why it was refused. */
export function questionOfEnvironment(
  { id, name }: EnvironmentChoice,
  { servers, databases, backups, bytes }: EnvironmentContents,
  message: string | null,
): Question {
  const isEmpty = servers.count + databases.count === 0;
  return {
    title: `Delete the environment “${name}”?`,
    action: `/environments/${id}/delete`,
    submit: 'Delete environment',
    back: `/environments/${id}/settings`,
    children: (
      <>
        {message !== null && <Notice tone="error">{message}</Notice>}
        {isEmpty && <p>Nothing is in it. Its settings and its SSH key are forgotten.</p>}
        {databases.count > 0 && (
          <>
            <p>
              {counted(databases.count, 'database')} {databases.count === 1 ? 'is' : 'are'} no longer backed
              up, and forgotten with {databases.count === 1 ? 'its' : 'their'} schedules and histories:
            </p>
            <FirstNames of={databases} hrefOf={(database) => `/databases/${database}`} />
          </>
        )}
        {servers.count > 0 && (
          <>
            <p>
              {counted(servers.count, 'server')} {servers.count === 1 ? 'is' : 'are'} forgotten:
            </p>
            <FirstNames of={servers} hrefOf={(server) => `/servers/${server}`} />
          </>
        )}
        {backups > 0 && (
          <p>
            The files of {counted(backups, 'stored backup')} ({formatBytes(bytes)}) stay where they are;
            nobody here knows of them any more.
          </p>
        )}
        {!isEmpty && <TypedName name={name} isRefused={message !== null} />}
      </>
    ),
  };
}
