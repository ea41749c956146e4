import type { Child } from 'hono/jsx';
import type { Advice } from '../../src/backups/failure-advice.ts';
import type { Rights } from '../frame/frame.ts';

/** What the failed backup is of. */
export interface Mended {
  readonly id: string;
  readonly serverId: string | null;
  readonly serverName: string | null;
  readonly environmentId: string;
}

/** What to do about a failure, with the link to where that is done, for who may do it there. */
export function AdviceWords(props: {
  readonly advice: Advice;
  readonly database: Mended;
  readonly user: Rights;
}) {
  return (
    <>
      <strong>{props.advice.text}</strong> {mendLink(props)}
    </>
  );
}

function mendLink({ advice, database, user }: Parameters<typeof AdviceWords>[0]): Child {
  const { isAdmin, mayChange } = user;
  const link = (href: string, label: string): Child => <a href={href}>{label}</a>;
  const { mend } = advice;
  switch (mend.on) {
    case 'database-form': {
      const field = mend.field.replaceAll('.', '-');
      const href = `/databases/${database.id}/edit#field-${field}`;
      return mayChange ? link(href, 'Open that field') : null;
    }
    case 'database':
      return link(`/databases/${database.id}`, 'Open the database');
    case 'server':
      if (database.serverId === null) return null;
      return link(`/servers/${database.serverId}`, `Open ${database.serverName ?? 'the server'}`);
    case 'environment':
      return isAdmin ? link(`/environments/${database.environmentId}/settings`, 'Open SSH settings') : null;
    case 'storage':
      return isAdmin ? link('/admin/storage', 'Open the storage') : null;
    case 'environment-access':
      return isAdmin ? link('/admin/storage#environment-access', 'Open Environment Access') : null;
  }
}
