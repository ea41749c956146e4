import type { ByHand } from '../engines/engine.ts';
import { engineFor } from '../engines/engines.ts';
import { quote } from '../hosts/quote.ts';

/** The file of a backup, as it lies where it was stored. */
export interface StoredFile {
  /** The wire's type of its database. */
  readonly type: string;
  /** Its name, without a path. */
  readonly fileName: string;
  /** Hex SHA-256 of the stored file. */
  readonly sha256: string | null;
  readonly serverVersion: string | null;
}

export interface RestoreByHand {
  /**
   * Lines for `bash`, for the folder that the file is in: checks it, makes an empty database, restores. Pasted as one they stop
   * at the first that fails. The first is a comment, which names the program that does all of it.
   */
  readonly lines: readonly string[];
  /** The last of them, alone: what restores. */
  readonly restore: string;
  /** What a whole dump ends with; a noun phrase. */
  readonly endProof: string;
  readonly notes: readonly string[];
}

const UNPACK = { '.gz': 'gzip -dc', '.zst': 'zstd -dc' } as const;

/** How a person restores this very file; undefined for one that no engine of ours writes. */
export function restoreByHand(file: StoredFile): RestoreByHand | undefined {
  const [, extension, suffix] = /(\.(?:sql|dump|tar|sqlite))(\.gz|\.zst)?$/.exec(file.fileName) ?? [];
  if (extension === undefined) return undefined;
  const recipe = engineFor(file.type)?.byHand(extension, file.serverVersion);
  if (recipe === undefined) return undefined;
  const name = shellWord(file.fileName);
  const restore = `${lookAtEnd(recipe, name, suffix)}${suffix === undefined ? recipe.fromFile(name) : unpacked(suffix, name, recipe.fromInput)}`;
  const check =
    file.sha256 === null ? [] : [`echo ${checkLine(file.sha256, file.fileName)} | sha256sum -c &&`];
  return {
    lines: [...programLine(file, name), 'set -o pipefail', ...check, `${recipe.create} &&`, restore],
    restore,
    endProof: recipe.endProof,
    notes: [
      ...(check.length === 0
        ? ['The SHA-256 of this backup is not known: its file can’t be checked first.']
        : []),
      ...recipe.notes,
    ],
  };
}

/** A name of several lines would not end with the comment. */
function programLine({ type }: StoredFile, name: string): readonly string[] {
  if (/\p{Cc}/u.test(name)) return [];
  const into = engineFor(type)?.isFile === true ? 'restored.db' : 'restored';
  return [`# Safer, with its manifest beside it: npx --no bridgeport-restore --into ${into} ${name}`];
}

/** What comes before the restore, where its program would take the end of a file that was cut for the dump's. */
function lookAtEnd({ isWhole }: ByHand, name: string, suffix: string | undefined): string {
  if (isWhole === undefined) return '';
  return `${suffix === undefined ? `${isWhole} <${name}` : unpacked(suffix, name, isWhole)} && `;
}

function unpacked(suffix: string, name: string, fromInput: string): string {
  const unpack = `${UNPACK[suffix === '.gz' ? '.gz' : '.zst']} ${name}`;
  // A copy needs no other program to take it.
  return fromInput.startsWith('cat > ')
    ? `${unpack} ${fromInput.slice('cat '.length)}`
    : `${unpack} | ${fromInput}`;
}

/** What `sha256sum -c` reads; two blanks between. */
function checkLine(sha256: string, fileName: string): string {
  return quote(`${sha256}  ${nameOfFile(fileName)}`);
}

/** The name as one word of a shell, bare where it is a plain one. */
function shellWord(fileName: string): string {
  const name = nameOfFile(fileName);
  return /^[\w./][\w./-]*$/.test(name) ? name : quote(name);
}

/** A name that begins with a dash would be an option to whatever program gets it. */
function nameOfFile(fileName: string): string {
  return fileName.startsWith('-') ? `./${fileName}` : fileName;
}
