import { withNames } from '../../../dev/fill/paths.ts';
import type { FilledApp } from '../filled-app.ts';
import type { FilledIds } from '../filled-ids.ts';

export const ODD = 'Größe + "x" <b> 🗝';

export type Fields = Readonly<Record<string, string | readonly string[]>>;

/** Sends forms of the pages to a filled installation, as its admin. */
export interface FormWalk {
  readonly filled: FilledApp;
  readonly ids: FilledIds;
  /** What the paths of forms name, as `namesInPaths` and of what only forms name. */
  readonly names: Readonly<Record<string, string>>;
  /** By the pattern of its route, with a query where it has one; gives where that leads, or else the page that was answered. */
  send(route: string, fields?: Fields, own?: Readonly<Record<string, string>>): Promise<string>;
  /** Patterns of the routes that a form was sent to. */
  readonly walked: ReadonlySet<string>;
  /** What was no success, with the words of the answer. */
  readonly refused: readonly { readonly pattern: string; readonly why: string }[];
}

export function createFormWalk(
  filled: FilledApp,
  of: { readonly ids: FilledIds; readonly names: Readonly<Record<string, string>> },
): FormWalk {
  const walked = new Set<string>();
  const refused: { pattern: string; why: string }[] = [];
  return {
    ...{ filled, ...of, walked, refused },
    async send(route, fields = {}, own = {}) {
      const [pattern = '', query = ''] = route.split('?');
      const path = withNames(pattern, { ...of.names, ...own });
      const response = await filled.ask(query === '' ? path : `${path}?${query}`, formOf(fields));
      const html = await response.text();
      if (response.status !== 200 && response.status !== 303) {
        refused.push({ pattern, why: `${response.status} ${wordsOf(html)}` });
      }
      walked.add(pattern);
      return response.headers.get('location') ?? html;
    },
  };
}

function formOf(fields: Fields): URLSearchParams {
  return new URLSearchParams(
    Object.entries(fields).flatMap(([name, value]) =>
      (typeof value === 'string' ? [value] : value).map((one) => [name, one]),
    ),
  );
}

const MOST_WORDS = 900;

function wordsOf(html: string): string {
  const text = html
    .replace(/^.*<main/s, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ');
  return text.slice(0, MOST_WORDS);
}
