import { parseArgs } from 'node:util';
import { TLS_MODES } from '../../../engines/tls-options.ts';
import { AppError } from '../../../errors.ts';

/** What a person asks of `bridgeport-restore`. Places are paths, http(s) addresses, or `-` for the standard input. */
export interface ByHandInput {
  /** Of the stored file; null where it lies beside the manifest. */
  readonly object: string | null;
  /** Null where it lies beside the stored file. */
  readonly manifest: string | null;
  /** Base64url; null where the manifest may name its own. */
  readonly publicKey: string | null;
  readonly isUnguarded: boolean;
  readonly to: ToOutput | ToNothing | ToTarget;
}

export interface ToOutput {
  readonly kind: 'output';
  /** Between BEGIN and COMMIT, where the dump's own program knows no other way. */
  readonly isTransaction: boolean;
}

interface ToNothing {
  readonly kind: 'nothing';
}

export interface ToTarget {
  readonly kind: 'target';
  readonly name: string;
  readonly host: string | null;
  readonly port: number | null;
  readonly username: string | null;
  readonly passwordFile: string | null;
  readonly tlsMode: (typeof TLS_MODES)[number];
  readonly tlsCaFile: string | null;
}

const MANIFEST = /\.json$/;
export const isAddress = (place: string) => /^https?:\/\//i.test(place);

/** Reads the words of a command line; null asks for help. Throws `invalid` for what is none of ours. */
export function readArguments(words: readonly string[]): ByHandInput | null {
  const { values, positionals } = parsed(words);
  if (values.help) return null;
  const [place, ...more] = positionals;
  if (place === undefined || place === '') throw usage('Which backup? Give its stored file or its manifest.');
  if (more.length > 0) throw usage(`One backup at a time: what is ${JSON.stringify(more[0])}?`);
  return {
    ...placesOf(place, values),
    publicKey: values['public-key']?.trim() ?? null,
    isUnguarded: values.unguarded,
    to: destinationOf(values),
  };
}

type Values = ReturnType<typeof parsed>['values'];

function parsed(words: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        ...{ manifest: text, object: text, 'public-key': text, into: text, host: text, port: text },
        ...{ user: text, 'password-file': text, tls: text, 'tls-ca': text },
        ...{ check: flag, transaction: flag, unguarded: flag, help: { ...flag, short: 'h' } },
      },
    });
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

function placesOf(place: string, { manifest, object }: Values): Pick<ByHandInput, 'object' | 'manifest'> {
  if (place !== '-' && MANIFEST.test(isAddress(place) ? pathOf(place) : place)) {
    if (manifest !== undefined) throw usage('That is a manifest already: give its object with --object.');
    if (object === undefined && isAddress(place)) {
      throw usage('An address leads to the manifest alone: give its object’s, or its file, with --object.');
    }
    return { object: object ?? null, manifest: place };
  }
  if (object !== undefined) throw usage('--object goes with a manifest, whose name ends with .json.');
  if (manifest === undefined && (isAddress(place) || place === '-')) {
    throw usage('Nothing lies beside that: give the manifest’s file or address with --manifest.');
  }
  return { object: place, manifest: manifest ?? null };
}

/** A signature in the query is nobody's business. */
function pathOf(address: string): string {
  return URL.parse(address)?.pathname ?? '';
}

function destinationOf(values: Values): ByHandInput['to'] {
  const { into, check, transaction } = values;
  const ofTarget = ['host', 'port', 'user', 'password-file', 'tls', 'tls-ca'] as const;
  if (into === undefined) {
    const lost = ofTarget.find((name) => values[name] !== undefined);
    if (lost !== undefined) throw usage(`--${lost} goes with --into NAME.`);
    if (check && transaction) throw usage('--check writes nothing that could stand in a transaction.');
    return check ? { kind: 'nothing' } : { kind: 'output', isTransaction: transaction };
  }
  if (check || transaction) throw usage('--into does that by itself: leave --check and --transaction out.');
  if (into === '') throw usage('--into needs the name of a new database, or the path of a new file.');
  const tlsMode = TLS_MODES.find((mode) => mode === (values.tls ?? 'off'));
  if (tlsMode === undefined) throw usage(`--tls is one of ${TLS_MODES.join(', ')}.`);
  const host = values.host ?? null;
  return {
    kind: 'target',
    name: into,
    host,
    port: portOf(values.port),
    username: values.user ?? null,
    passwordFile: values['password-file'] ?? null,
    tlsMode,
    tlsCaFile: values['tls-ca'] ?? null,
  };
}

function portOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw usage('--port is a number from 1 to 65535.');
}

export function usage(what: string): AppError {
  return new AppError('invalid', `${what}\nbridgeport-restore --help tells what may be said.`);
}

export const HELP = `bridgeport-restore [OPTIONS] BACKUP

Checks a stored backup against its signed manifest, and writes its dump to standard output, or restores it. BACKUP is the
stored file or its manifest (….manifest.json): a path, a presigned address, or - for a stored file on standard input.

  --manifest PLACE       the manifest, where it is not beside the stored file
  --object PLACE         the stored file, where BACKUP is the manifest and the file is not beside it
  --public-key KEY       the key of your installation (Admin > System); no other's signature is taken
  --check                only check: write nothing
  --into NAME            restore into a new database of that name, or a new file of that path, with the engine's own client
    --host, --port       of the server; without a host its local socket
    --user NAME, --password-file FILE
    --tls off|encrypt|verify, --tls-ca FILE
  --transaction          on standard output: BEGIN before a plain dump of PostgreSQL, COMMIT after it when all was right
  --unguarded            also lets through what the dump tools do not write, such as commands of psql

What is written is whole only if the exit status is 0: the last 64 KiB are kept back until all was checked.
Exit status: 0 all was right; 1 something unexpected; 2 wrong options; 3 the manifest is missing, forged or can't be read;
4 the backup is damaged, cut, or another one than the manifest's; 5 it can't be read now; 6 the restore was refused or
failed, and what was made is gone again if nothing else is said; 141 nobody read on; 128 and more: ended by a signal.
`;
