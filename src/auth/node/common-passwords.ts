import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { AppError } from '../../errors.ts';

const RANKS = 10_000;
/** No shorter one is taken anyway. */
const LEAST_LENGTH = 8;

/** Beside the bundle, where the build puts what is left of the package's list. */
const BUILT = new URL('./common-passwords.json', import.meta.url);
const PACKAGED = '@zxcvbn-ts/language-common/src/passwords.json';

let kept: Promise<ReadonlySet<string>> | undefined;

/** True for one of the 10,000 most common passwords, in any case of its letters. The list is read at the first question. */
export async function isCommonPassword(password: string): Promise<boolean> {
  kept ??= read();
  return (await kept).has(password.toLowerCase());
}

/** The package's list, the most common first, cut to what can be asked for: for the build. */
export async function packagedCommonPasswords(): Promise<readonly string[]> {
  const file = createRequire(import.meta.url).resolve(PACKAGED);
  return parse(await readFile(file, 'utf8'))
    .slice(0, RANKS)
    .filter((password) => password.length >= LEAST_LENGTH);
}

async function read(): Promise<ReadonlySet<string>> {
  try {
    return new Set(await builtOrPackaged());
  } catch (cause) {
    kept = undefined;
    throw new AppError('internal', 'The list of common passwords is missing: run the build again.', {
      cause,
    });
  }
}

async function builtOrPackaged(): Promise<readonly string[]> {
  let text: string;
  try {
    text = await readFile(BUILT, 'utf8');
  } catch {
    // From the sources: nothing was built beside this file.
    return packagedCommonPasswords();
  }
  return parse(text);
}

function parse(text: string): readonly string[] {
  const list: unknown = JSON.parse(text);
  if (!Array.isArray(list)) throw new TypeError('not a list of passwords');
  return list.filter((entry): entry is string => typeof entry === 'string');
}
