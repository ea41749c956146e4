import type { Question } from './parts/dialog.tsx';
import { formatBytes } from './parts/format.ts';
import { AT_MORE } from './parts/more-menu.tsx';
import { Names } from './parts/names.tsx';

/** What would be without a storage if the configuration went. */
export interface StorageDependents {
  readonly environments: readonly string[];
  /** With their environments. */
  readonly databases: readonly string[];
  readonly backups: { readonly count: number; readonly bytes: number; readonly places: readonly string[] };
}

/** Whether to delete the configuration. */
export function questionOfStorage(dependents: StorageDependents): Question {
  return {
    title: 'Delete the storage configuration?',
    action: '/admin/storage/delete',
    submit: 'Delete configuration',
    back: `/admin/storage${AT_MORE}`,
    children: <WhatDepends dependents={dependents} />,
  };
}

function WhatDepends({ dependents }: { dependents: StorageDependents }) {
  const { environments, databases, backups } = dependents;
  return (
    <>
      {environments.length === 0 ? (
        <p>No environment may use it now.</p>
      ) : (
        <p>These environments lose access to it: {firstOf(environments)}.</p>
      )}
      {databases.length > 0 && (
        <>
          <p>
            {databases.length === 1
              ? '1 database backs up to it. Its backups fail'
              : `${databases.length} databases back up to it. Their backups fail`}{' '}
            from then on:
          </p>
          <Names of="Databases" names={databases} />
        </>
      )}
      {backups.count > 0 && (
        <p>
          {backups.count === 1 ? '1 backup' : `${backups.count} backups`} ({formatBytes(backups.bytes)}) in{' '}
          {backups.places.join(', ')} can't be downloaded or deleted from here until a storage is configured
          again.
        </p>
      )}
      <p>What is stored in the buckets stays there.</p>
    </>
  );
}

const MOST_NAMES = 15;

/** In one sentence, however many there are. */
function firstOf(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return names.slice(0, MOST_NAMES).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
