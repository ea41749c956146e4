import * as z from 'zod';
import type { TriedView } from '../../../../views/reference/reference.ts';
import { fileNameIn } from '../../../content-disposition.ts';
import { quote } from '../../../hosts/quote.ts';
import type { Trial } from './try-form.ts';
import { withoutSecrets } from './try-form.ts';

/**
 * The request as a command for a POSIX shell, whatever was typed: each value is one quoted word. The token stands for itself as
 * `$TOKEN`, and what is secret in the body is left out. A file is stored under its name: curl's own guess (`-OJ`) spells odd ones otherwise,
 * and overwrites nothing.
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
  return [
    fileName === null
      ? `curl -sS -X ${method} ${quote(origin + target)}`
      : `curl -fsSg -X ${method} -o ${fileWord(fileName)} ${quote(origin + target)}`,
    ...(needsToken ? ['-H "Authorization: Bearer $TOKEN"'] : []),
    ...(key === null ? [] : [`-H ${quote(`Idempotency-Key: ${key}`)}`]),
    ...(body === null || body === ''
      ? []
      : [`-H 'Content-Type: application/json'`, `--data-raw ${quote(withoutSecrets(body, secretFields))}`]),
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
  return `curl -fsSg ${name === null ? '-OJ' : `-o ${fileWord(name)}`} ${quote(url.href)}`;
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

/** In this folder: a name that is a dash would be the terminal, and a folder in it another one. */
function fileWord(name: string): string {
  const safe = name.replaceAll(/[/\p{Cc}]/gu, '_');
  return quote(/^(-|\.\.?$)/.test(safe) ? `./${safe.replace(/^\.+$/, '_')}` : safe);
}
