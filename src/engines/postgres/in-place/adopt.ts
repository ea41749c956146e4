import { quote } from '../../../hosts/quote.ts';
import type { Adopted, InPlaceTarget } from '../../in-place.ts';
import { oid, requireName } from '../identity.ts';
import { OF_RESTORED } from '../restore-failures.ts';
import { endOwnSessions, identifier, literal, maintenanceLines } from '../restore-lines.ts';
import { type PostgresRestoreTarget, workName } from '../restore-target.ts';
import { requireSystem } from '../server.ts';
import { IN_USE } from '../tools.ts';
import { keepReplaced, refuseSwapped, refuseUnknown, trySettings } from './restore-beside.ts';

const rename = (from: string, to: string) => `ALTER DATABASE ${identifier(from)} RENAME TO ${identifier(to)}`;

/**
 * In place of the making of a new database: one that was restored before gets the name under which a swap looks for it, and nothing else
 * of it changes; then the settings are tried, as ever. Fails while somebody is connected to it. A rename goes by the name, and may have
 * waited for a lock: so its OID is looked at behind it, too. All of it is one message, which tells the removal by its text.
 */
export function adoptScript(target: PostgresRestoreTarget, { name, id }: Adopted): string {
  const work = workName(target);
  const steps = [
    requireName(oid(id), name, ANOTHER),
    rename(name, work),
    requireName(oid(id), work, ANOTHER),
  ];
  return `${maintenanceLines(target)}
sql --command=${quote(`/* ${work} */ ${steps.join('; ')}`)} || {
  echo '${OF_RESTORED}' >&2
  exit 3
}
${trySettings(target)}`;
}

const ANOTHER = 'what was restored is another';

/** Gives it its name back, unless it has taken the place: that is status 67. Nothing is dropped, whatever it finds. */
export function giveBackScript(
  target: PostgresRestoreTarget,
  { name, id }: Adopted,
  inPlace: InPlaceTarget,
): string {
  const work = workName(target);
  const named = `SELECT CASE
  WHEN NOT EXISTS (SELECT FROM pg_catalog.pg_database WHERE oid = ${oid(id)} AND datname = ${literal(work)}) THEN 'not here'
  WHEN EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = ${literal(name)}) THEN 'taken'
  ELSE 'here' END`;
  return `${maintenanceLines(target)}
${endOwnSessions(work)}
${keepReplaced(target, inPlace)}
tries=0
while :; do
  named=$(ask ${quote(named)}) || exit
  case $named in
  'not here')
    ${requireSystem(target.madeIn)}
    ${refuseUnknown(target)}
    break
    ;;
  taken)
    echo 'bridgeport: its name is taken: ${work}' >&2
    exit 65
    ;;
  esac
  said=$(sql --command=${quote(rename(work, name))} 2>&1) && break
  tries=$((tries + 1))
  case $said in ${IN_USE}) [ "$tries" -lt 10 ] && sleep 1 && continue ;; esac
  printf '%s\\n' "$said" >&2
  exit 3
done
${refuseSwapped(target)}`;
}
