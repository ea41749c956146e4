import { quote } from '../../../hosts/quote.ts';
import type { InPlaceTarget } from '../../in-place.ts';
import { identifier } from '../restore-lines.ts';
import { type PostgresRestoreTarget, workName } from '../restore-target.ts';
import { takeSettings } from './adopted-settings.ts';
import { copySettings } from './database-settings.ts';
import { lookAtSwap } from './state.ts';

/**
 * Behind the making of the new database: tries to give it all settings of the one it will replace, and takes that back at once. Some
 * of them would be in the way of the loading, but whether the user may set them must be known before hours of it.
 */
export function trySettings(target: PostgresRestoreTarget): string {
  const steps = ['BEGIN', ...settingsOf(target), 'ROLLBACK'];
  return `sql ${steps.map((step) => `--command=${quote(step)}`).join(' ')}`;
}

/** Statements that give what takes the place all settings of the one that has it; what was restored by another restore has some already. */
export function settingsOf({ newName, token, inPlace, ...target }: PostgresRestoreTarget): readonly string[] {
  const work = workName({ ...target, token });
  const copied = copySettings(newName, work, token);
  return inPlace?.adopts ? [takeSettings(newName, work, token), copied] : [copied];
}

/**
 * Before what was made is removed: status 67 where it has taken the place already. Where the name is nobody's, the one that is
 * replaced gets it back.
 */
export function keepReplaced(target: PostgresRestoreTarget, { keptName, replacedId }: InPlaceTarget): string {
  if (replacedId === null || !/^\d{1,10}$/.test(replacedId)) return '';
  const back = `ALTER DATABASE ${identifier(keptName)} RENAME TO ${identifier(target.newName)}`;
  return `${lookAtSwap(target, keptName, replacedId)}
look_at_swap
case $swap in
after)
  echo 'bridgeport: swapped already' >&2
  exit 67
  ;;
between | nameless) sql --command=${quote(back)} || exit ;;
esac`;
}

/** Behind the removal: what was restored may have taken the place in that very moment. */
export function refuseSwapped({ inPlace }: PostgresRestoreTarget): string {
  if (!inPlace || inPlace.replacedId === null) return '';
  return `look_at_swap
[ "$swap" != after ] || { echo 'bridgeport: swapped already' >&2; exit 67; }`;
}

/**
 * For what was restored and is not there, where it may have taken the place: then what is there, and what was, have other names by now, which
 * somebody else has given them.
 */
export function refuseUnknown({ inPlace }: PostgresRestoreTarget): string {
  if (inPlace?.mayBeSwapped !== true || inPlace.replacedId === null) return ':';
  return `look_at_swap
[ "$swap" != other ] || { echo 'bridgeport: neither kept nor restored' >&2; exit 69; }`;
}
