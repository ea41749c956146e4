import * as z from 'zod';
import type { TriedView } from '../../../../views/reference/reference.ts';
import { fileNameIn } from '../../../content-disposition.ts';
import { quote } from '../../../hosts/quote.ts';
import type { Trial } from './try-form.ts';
import { withoutSecrets } from './try-form.ts';

/**
 * The request as a command for a POSIX shell, whatever was typed: each value is one quoted word. The token stands for itself as
 * `$TOKEN`, and what is secret in the body is left out. A file gets its name once it is whole, and takes no other's place: curl's own guess
 * (`-OJ`) overwrites nothing either, and spells odd names otherwise.
 */
export function curlLine(
  origin: string,
  method: string,
  trial: Pick<Trial, 'target' | 'body' | 'key'> & {
    readonly needsToken: boolean;
    /** Of an answer that is a file. */
    readonly fileName?: string | null;
  },
  secretFields: readonly string[] = [],
): string {
  const { target, body, key, needsToken, fileName = null } = trial;
  const file = fileName === null ? null : storedAs(fileName);
  return [
    file === null
      ? `curl -sS -X ${method} ${quote(origin + target)}`
      : `curl -fsSg -X ${method} ${file.options} ${quote(origin + target)}`,
    ...(needsToken ? ['-H "Authorization: Bearer $TOKEN"'] : []),
    ...(key === null ? [] : [`-H ${quote(`Idempotency-Key: ${key}`)}`]),
    ...(body === null || body === ''
      ? []
      : [`-H 'Content-Type: application/json'`, `--data-raw ${quote(withoutSecrets(body, secretFields))}`]),
    ...(file === null ? [] : [file.naming]),
  ].join(' \\\n  ');
}

/** The name of the file that an answer is; null for an answer that is none. */
export function fileNameOf({ status, headers }: Pick<TriedView, 'status' | 'headers'>): string | null {
  if (status !== 200) return null;
  return fileNameIn(headers.find(([name]) => name === 'content-disposition')?.[1] ?? null);
}

/** The command that fetches the file to which an answer gives a link; null for any other answer. */
export function fetchLine({ status, body }: Pick<TriedView, 'status' | 'body'>): string | null {
  const url = status === 200 ? URL.parse(linkIn(body) ?? '') : null;
  if (url === null) return null;
  const name = fileNameIn(url.searchParams.get('response-content-disposition'));
  if (name === null) return `curl -fsSg -OJ ${quote(url.href)}`;
  const { options, naming } = storedAs(name);
  return `curl -fsSg ${options} ${quote(url.href)} \\\n  ${naming}`;
}

const withLink = z.object({ downloadUrl: z.string() });

function linkIn(body: string): string | null {
  try {
    return withLink.safeParse(JSON.parse(body)).data?.downloadUrl ?? null;
  } catch {
    // No JSON.
    return null;
  }
}

/** A download that breaks off leaves its part alone, and an older file of that name what it is. */
function storedAs(name: string): { readonly options: string; readonly naming: string } {
  const safe = fileIn(name);
  const part = quote(`${safe}.part`);
  return { options: `-o ${part}`, naming: `&& mv -n ${part} ${quote(safe)}` };
}

/** In this folder: a name that is a dash would be the terminal, and a folder in it another one. */
function fileIn(name: string): string {
  const safe = name.replaceAll(/[/\p{Cc}]/gu, '_');
  return /^(-|\.\.?$)/.test(safe) ? `./${safe.replace(/^\.+$/, '_')}` : safe;
}
