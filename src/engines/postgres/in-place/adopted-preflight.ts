import * as z from 'zod';
import type { Adopted } from '../../in-place.ts';
import type { PreflightCheck } from '../../restore.ts';
import { oid } from '../identity.ts';

/** Gives one line of JSON for `adoptedCheck`: the database that another restore has made, by its OID. */
export function adoptedQuery({ id }: Adopted): string {
  return `SELECT pg_catalog.json_build_object('adopted', (SELECT pg_catalog.json_build_object(
      'name', d.datname,
      'owner', pg_catalog.pg_get_userbyid(d.datdba),
      'isOwner', pg_catalog.pg_has_role(d.datdba, 'USAGE'),
      'isOpen', d.datallowconn,
      'prepared', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_prepared_xacts x WHERE x.database = d.datname),
      'sessions', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid
        AND a.pid <> pg_catalog.pg_backend_pid() AND a.usesysid IS NOT NULL))
    FROM pg_catalog.pg_database d WHERE d.oid = ${oid(id)}))::pg_catalog.jsonb`;
}

const adoptedShape = z.object({
  adopted: z
    .object({
      name: z.string(),
      owner: z.string(),
      isOwner: z.boolean(),
      isOpen: z.boolean(),
      prepared: z.number(),
      sessions: z.number(),
    })
    .nullable(),
});

/** Whether it is there as it was made, and can be renamed. Throws for what is no answer of `adoptedQuery`. */
export function adoptedCheck({ name: made }: Adopted, answer: string): PreflightCheck {
  const { adopted } = adoptedShape.parse(JSON.parse(answer));
  const name = 'Restored';
  const refused = (says: string) => ({ name, ok: false, says });
  if (adopted === null) return refused(`“${made}” is not there any more: somebody has dropped it.`);
  if (adopted.name !== made) {
    return refused(
      `What was restored as “${made}” is called “${adopted.name}” by now: somebody has renamed it. Give it its name back, and ask again.`,
    );
  }
  if (!adopted.isOwner) {
    return refused(
      `“${made}” belongs to “${adopted.owner}”, as whom the user may not act, and so may not rename it. Give another user for this restore: ${adopted.owner}, or a superuser.`,
    );
  }
  if (!adopted.isOpen) {
    return refused(
      `“${made}” lets nobody in, and so can’t be looked at. Let it: ALTER DATABASE … ALLOW_CONNECTIONS true.`,
    );
  }
  if (adopted.prepared > 0) {
    return refused(`“${made}” has ${adopted.prepared} prepared transactions. End them, and ask again.`);
  }
  if (adopted.sessions > 0) {
    return refused(
      `Somebody uses “${made}”: sessions on it are ${adopted.sessions}. They are not ended for the swap, since what they write would be lost or half there. End them, and ask again.`,
    );
  }
  return {
    name,
    ok: true,
    says: `“${made}” is there, the very one that was restored, and nobody is connected to it. It is taken as it is by now: what was written to it since is not known, and not compared with the backup.`,
  };
}
