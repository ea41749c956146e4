import { AppError } from '../../errors.ts';

export interface HostPath {
  readonly path: string;
  readonly folder: string;
  readonly name: string;
}

/**
 * A file's absolute path on a host, checked: no empty, `.` or `..` segment and no control character, so that it means
 * what it says wherever it is shown. Throws `invalid`.
 */
export function parseHostPath(path: string): HostPath {
  const [before, ...segments] = path.split('/');
  const name = segments.at(-1) ?? '';
  const isPlain = segments.every((segment) => !['', '.', '..'].includes(segment));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  const hasControl = /[\u0000-\u001f\u007f]/.test(path);
  if (before !== '' || name === '' || !isPlain || hasControl || !path.isWellFormed()) {
    throw new AppError(
      'invalid',
      `${JSON.stringify(path)} is no absolute path of a file: it must start with / and have no empty, "." or ".." segment and no control character.`,
    );
  }
  return { path, folder: `/${segments.slice(0, -1).join('/')}`, name };
}

/** A file of a run's own, in a folder of its own: what a program puts beside it lies there, too. */
export function scratchPath(folder: string, token: string): string {
  if (!/^[A-Za-z0-9_-]+$/.test(token)) throw new AppError('internal', 'The token of a run is no plain word.');
  const path = `${folder === '/' ? '' : folder}/.bridgeport-${token}/${SCRATCH_NAME}`;
  return parseHostPath(path).path;
}

/** Whether it is one, so that its folder goes with it. */
export function isScratchPath({ folder, name }: HostPath): boolean {
  return name === SCRATCH_NAME && /\/\.bridgeport-[A-Za-z0-9_-]+$/.test(folder);
}

const SCRATCH_NAME = 'scratch-copy';

/** The file that an unfinished upload writes: beside its target, so that it can become it without a copy. */
export function partialPath({ folder, name }: HostPath, token: string): string {
  if (!/^[A-Za-z0-9_-]+$/.test(token))
    throw new AppError('internal', 'The token of an upload is no plain word.');
  return `${folder === '/' ? '' : folder}/.${name}.${token}.partial`;
}

/** The upload id of that key, checked, because a removal follows. Throws `invalid`. */
export function parsePartialPath(target: HostPath, uploadId: string): string {
  const { path, folder, name } = parseHostPath(uploadId);
  const isOurs = name.startsWith(`.${target.name}.`) && name.endsWith('.partial');
  if (folder === target.folder && isOurs) return path;
  throw new AppError('invalid', `${JSON.stringify(uploadId)} is no unfinished upload of ${target.path}.`);
}
