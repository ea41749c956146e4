import type { DeliveryItemRow, Severity } from '../db/schema.ts';

/** News as they are sent: one, or several in one message. */
export interface News {
  readonly items: readonly Pick<DeliveryItemRow, 'severity' | 'title' | 'message' | 'database_id' | 'at'>[];
  /** Also those that are not named. */
  readonly total: number;
  /** Where the app is found, without a slash at its end; null: not known, so that there are no links. */
  readonly publicUrl: string | null;
}

/** What a message says, for any way: plain text, its marks left to the way. */
export interface Composed {
  readonly severity: Severity;
  /** Of one line. */
  readonly title: string;
  readonly lines: readonly {
    readonly title: string;
    readonly message: string;
    readonly url: string | null;
  }[];
  /** What is left out; null: nothing. */
  readonly more: string | null;
  readonly url: string | null;
}

const ORDER: readonly Severity[] = ['info', 'warning', 'critical'];

export function composeNews({ items, total, publicUrl }: News, mostLines = items.length): Composed {
  const shown = items.slice(0, mostLines);
  const severity = items.reduce<Severity>(
    (worst, item) => (ORDER.indexOf(item.severity) > ORDER.indexOf(worst) ? item.severity : worst),
    'info',
  );
  const [first] = items;
  const left = total - shown.length;
  const title =
    total === 1 && first !== undefined
      ? first.title
      : `${total} notifications${first === undefined ? '' : `: ${first.title}, and more`}`;
  return {
    severity,
    title,
    lines: shown.map((item) => ({
      ...{ title: item.title, message: item.message },
      url:
        publicUrl === null || item.database_id === null ? null : `${publicUrl}/databases/${item.database_id}`,
    })),
    more: left > 0 ? `… and ${left} more, in the app under Notifications.` : null,
    url: publicUrl === null ? null : `${publicUrl}/notifications`,
  };
}

/** Plain text of several lines. */
export function textOf({ lines, more }: Composed): string {
  const parts = lines.map(({ title, message, url }) =>
    [...(lines.length === 1 ? [] : [title]), message, ...(url === null ? [] : [url])].join('\n'),
  );
  return [...parts, ...(more === null ? [] : [more])].join('\n\n');
}

/** A whole document; whatever is said in it is escaped. */
export function htmlOf({ lines, more, url }: Composed): string {
  const parts = lines.map(({ title, message, url: link }) => {
    const heading =
      link === null ? escapeHtml(title) : `<a href="${escapeHtml(link)}">${escapeHtml(title)}</a>`;
    return `<h3>${heading}</h3><p>${escapeHtml(message).replaceAll('\n', '<br>')}</p>`;
  });
  const foot = url === null ? '' : ` <a href="${escapeHtml(`${url}/preferences`)}">What you are told</a>`;
  return `<!doctype html><html lang="en"><meta charset="utf-8"><body>${parts.join('')}${
    more === null ? '' : `<p>${escapeHtml(more)}</p>`
  }<hr><p><small>BRIDGEPORT Storage.${foot}</small></p></body></html>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  ...{ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' },
};

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
