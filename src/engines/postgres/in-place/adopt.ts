import { quote } from '../../../hosts/quote.ts';
import type { Adopted, InPlaceTarget } from '../../in-place.ts';
import { identifier, literal, maintenanceLines } from '../restore-lines.ts';
import { type PostgresRestoreTarget, workName } from '../restore-target.ts';
import { oid, requireName } from './in-place.ts';
import { keepReplaced, refuseSwapped, trySettings } from './restore-beside.ts';

const rename = (from: string, to: string) => `ALTER DATABASE ${identifier(from)} RENAME TO ${identifier(to)}`;

/**
 * In place of the making of a new database: one that was restored before gets the name under which a swap looks for it, and the owner of
 * the one that it will replace, both or neither; then the settings are tried, as ever. Fails while somebody is connected to it.
 */
export function adoptScript(target: PostgresRestoreTarget, { name, id }: Adopted): string {
  const work = workName(target);
  const owner = `SELECT pg_catalog.format('ALTER DATABASE %I OWNER TO %I', ${literal(work)}, pg_catalog.pg_get_userbyid(datdba))
  FROM pg_catalog.pg_database WHERE datname = ${literal(target.newName)}`;
  const steps = ['BEGIN', requireName(oid(id), name, ANOTHER), rename(name, work)];
  return `${maintenanceLines(target)}
owner=$(ask ${quote(owner)}) && [ "$owner" ] || exit 3
sql ${steps.map((step) => `--command=${quote(step)}`).join(' ')} --command="$owner" --command=COMMIT || exit
${trySettings(target)}`;
}

const ANOTHER = 'the restored database is another';

/** Gives it its name back, unless it has taken the place: that is status 67. Nothing is dropped, whatever it finds. */
export function giveBackScript(
  target: PostgresRestoreTarget,
  { name, id }: Adopted,
  inPlace: InPlaceTarget,
): string {
  const work = workName(target);
  const isWork = `SELECT pg_catalog.count(*) FROM pg_catalog.pg_database WHERE oid = ${oid(id)} AND datname = ${literal(work)}`;
  return `${maintenanceLines(target)}
${keepReplaced(target, inPlace)}
tries=0
while :; do
  there=$(ask ${quote(isWork)}) || exit
  [ "$there" != 0 ] || break
  said=$(sql --command=${quote(rename(work, name))} 2>&1) && break
  tries=$((tries + 1))
  case $said in *'accessed by other users'*) [ "$tries" -lt 10 ] && sleep 1 && continue ;; esac
  printf '%s\\n' "$said" >&2
  exit 3
done
${refuseSwapped(target)}`;
}
