import type { PreflightCheck } from './restore.ts';

/** Shell lines that print how much room is left where `$place` lies; nothing where that can't be told. */
export const ROOM_SCRIPT = `free=
  for word in $(df -P -k -- "$place" 2>/dev/null | tail -n 1); do
    case $word in [0-9]*%) free=$before; break ;; esac
    before=$word
  done
  [ -z "$free" ] || printf 'bridgeport:free=%s\\n' "$free"`;

/** A line of a preflight from what `ROOM_SCRIPT` printed; none where it printed nothing. */
export function roomCheck(stdout: string, expectedBytes: number | null): readonly PreflightCheck[] {
  const [, kibibytes] = /^bridgeport:free=(\d+)$/m.exec(stdout) ?? [];
  if (kibibytes === undefined) return [];
  const freeBytes = Number(kibibytes) * 1024;
  const name = 'Room';
  if (expectedBytes === null) {
    const says = `${sizeOf(freeBytes)} are free there; how much is needed is not known.`;
    return [{ name, ok: true, isUnknown: true, says }];
  }
  const needed = sizeOf(expectedBytes);
  return freeBytes >= expectedBytes
    ? [{ name, ok: true, says: `${sizeOf(freeBytes)} are free there, and about ${needed} are needed.` }]
    : [
        {
          name,
          ok: false,
          says: `Only ${sizeOf(freeBytes)} are free there, and about ${needed} are needed. Free space, or choose another server.`,
        },
      ];
}

function sizeOf(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}
