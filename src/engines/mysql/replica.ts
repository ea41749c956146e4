import { oneLine } from '../../short-text.ts';

const FIELDS = [
  // Of MariaDB, and of MySQL.
  'Connection_name|Channel_Name',
  '(Slave|Replica)_(IO|SQL)_Running',
  'Seconds_Behind_(Master|Source)',
  'Last_(IO|SQL)_Error',
].join('|');

/**
 * Behind `choose_tools`: prints what `replicaWarnings` reads, of each source that the server has. Nothing of a server that has none, or that
 * does not tell this user: MariaDB wants REPLICA MONITOR (since 10.5.9, SUPER before), MySQL REPLICATION CLIENT. MySQL calls it REPLICA since
 * 8.0.22, and SLAVE no more since 8.4; MariaDB knows both, and shows all its sources only where it is asked for all.
 */
export const TELL_REPLICA = `replica_by() {
  with_options "$client" --defaults-file=/dev/stdin --default-character-set=utf8mb4 --batch --raw --vertical \\
    --execute="$1" 2>/dev/null
}
case $server in
*[Mm]aria[Dd][Bb]*) replica=$(replica_by 'SHOW ALL SLAVES STATUS') || replica= ;;
*) replica=$(replica_by 'SHOW REPLICA STATUS') || replica=$(replica_by 'SHOW SLAVE STATUS') || replica= ;;
esac
printf '%s\\n' "$replica" | grep -E '^(\\*+ [0-9]+\\. row| *(${FIELDS}): )' | sed 's/^ */bridgeport:replica=/'`;

/** One behind by more than that would be told of by nobody's monitoring of a backup of each night; less is a long transaction. */
const FAR_BEHIND_SECONDS = 3600;

/** What one source of a replica has, by the words that both servers have in common. */
interface Source {
  readonly name: string;
  /** `Yes`, `No`, or that it is not connected: `Connecting`, `Preparing`. */
  readonly receives: string;
  readonly applies: string;
  /** Null where it can't be told. */
  readonly behindSeconds: number | null;
  readonly error: string;
}

/** Of the lines behind `bridgeport:replica=`: the dump tools say nothing of it. */
export function replicaWarnings(lines: readonly string[]): readonly string[] {
  return sourcesIn(lines).flatMap((source) => warningOf(source) ?? []);
}

function warningOf(source: Source): string | null {
  const { name, receives, applies, behindSeconds } = source;
  const of = name === '' ? '' : ` of “${name}”`;
  const error = source.error === '' ? '' : ` It says: ${source.error}`;
  const what = haltedIn(receives, applies);
  if (what !== null) {
    return `The server is a replica${of} ${what}, so its dumps may be of an old state.${error} See SHOW REPLICA STATUS on the server, and mend it or back up its source; RESET REPLICA ALL ends this where it is no replica any more.`;
  }
  if (behindSeconds === null || behindSeconds <= FAR_BEHIND_SECONDS) return null;
  return `The server is a replica${of} that is ${spanOf(behindSeconds)} behind, and so are its dumps. Back up its source where that is too old.`;
}

function haltedIn(receives: string, applies: string): string | null {
  if (receives === 'No' && applies === 'No') return 'whose IO and SQL threads stand still';
  if (applies !== 'Yes') return 'whose SQL thread stands still';
  if (receives === 'No') return 'whose IO thread stands still';
  return receives === 'Yes' ? null : 'that is not connected to its source at the moment';
}

function spanOf(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  return hours < 48
    ? `${hours} h ${Math.floor((seconds % 3600) / 60)} min`
    : `${Math.floor(hours / 24)} days`;
}

function sourcesIn(lines: readonly string[]): readonly Source[] {
  const rows: Map<string, string>[] = [];
  for (const line of lines) {
    if (line.startsWith('*')) rows.push(new Map());
    const [, field = '', value = ''] = /^(\w+): (.*)$/.exec(line) ?? [];
    rows.at(-1)?.set(field, value.trim());
  }
  return rows.flatMap((row) => toSource(row) ?? []);
}

function toSource(row: ReadonlyMap<string, string>): Source | null {
  const either = (...names: readonly string[]) => names.map((name) => row.get(name)).find((value) => value);
  const receives = either('Slave_IO_Running', 'Replica_IO_Running');
  const applies = either('Slave_SQL_Running', 'Replica_SQL_Running');
  if (receives === undefined || applies === undefined) return null;
  const behind = Number(either('Seconds_Behind_Master', 'Seconds_Behind_Source') ?? Number.NaN);
  return {
    name: oneLine(either('Connection_name', 'Channel_Name') ?? ''),
    ...{ receives, applies },
    behindSeconds: Number.isNaN(behind) ? null : behind,
    error: oneLine(either('Last_SQL_Error', 'Last_IO_Error') ?? ''),
  };
}
