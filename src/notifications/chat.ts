import type { Message } from '../channels/channel.ts';
import type { ChannelKind, Severity } from '../db/schema.ts';
import { short } from '../short-text.ts';
import { type Composed, composeNews, type News, textOf } from './compose.ts';
import { fitted } from './fit.ts';
import { webhookMessage } from './webhook-message.ts';

/** One to be sent to a channel. */
export interface ToChat {
  readonly news: News;
  readonly url: string;
  readonly secret: string | null;
  /** Of the delivery. */
  readonly id: string;
  readonly at: Date;
}

export interface ChatKind {
  readonly label: string;
  /** What its URL looks like. */
  readonly example: string;
  /** What else it needs; null: nothing. */
  readonly secretLabel: string | null;
  /** What is wrong with that URL; null: nothing. */
  refuses(url: URL): string | null;
  message(to: ToChat): Message | Promise<Message>;
}

const MOST_CHARACTERS = 3500;
/** ntfy takes 4,096 bytes; a longer message it makes a file of, or refuses. Of all that is sent as JSON it reads twice that. */
const MOST_NTFY_BYTES = { message: 4000, json: 6000 } as const;
/** A chat, and a topic in it. */
const TELEGRAM_PARAMETERS: readonly string[] = ['chat_id', 'message_thread_id'];
const COLOURS: Readonly<Record<Severity, number>> = { info: 0x175a9c, warning: 0xb26b00, critical: 0xa5202b };
const SIGNS: Readonly<Record<Severity, string>> = { info: 'ℹ️', warning: '⚠️', critical: '🔴' };

/** Every kind of channel: a new one is an entry here, and a name in `db/schema.ts`. */
export const CHAT_KINDS: Readonly<Record<ChannelKind, ChatKind>> = {
  slack: {
    label: 'Slack, Mattermost, Rocket.Chat (incoming webhook)',
    example: 'https://hooks.slack.com/services/…',
    secretLabel: null,
    refuses: () => null,
    message: ({ news, url }) => {
      const made = (said: Composed) => `*${slack(titleOf(said))}*\n${slack(textOf(said))}`;
      return json(url, { text: fitted(news, made, isShort).text });
    },
  },
  discord: {
    label: 'Discord (webhook)',
    example: 'https://discord.com/api/webhooks/…',
    secretLabel: null,
    refuses: ({ pathname }) => (pathname.includes('/webhooks/') ? null : 'Must be the URL of a webhook'),
    message: ({ news, url }) => {
      const { said, text } = fitted(news, (all) => discord(textOf(all)), isShort);
      const embed = {
        ...{ title: short(discord(titleOf(said)), 250), description: text },
        ...{ color: COLOURS[said.severity], ...(said.url === null ? {} : { url: said.url }) },
      };
      // Nobody is woken by a name with an @ in it.
      return json(url, { embeds: [embed], allowed_mentions: { parse: [] } });
    },
  },
  teams: {
    label: 'Microsoft Teams (workflow that posts to a channel)',
    example: 'https://….api.powerplatform.com/…',
    secretLabel: null,
    refuses: () => null,
    message: ({ news, url }) => {
      const made = (all: Composed) => discord(textOf(all)).replaceAll('\n', '\n\n');
      const { said, text } = fitted(news, made, isShort);
      const block = (of: string, more: object = {}) => ({
        type: 'TextBlock',
        text: of,
        wrap: true,
        ...more,
      });
      const content = {
        ...{
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
        },
        body: [block(discord(titleOf(said)), { weight: 'Bolder', size: 'Medium' }), block(text)],
        ...(said.url === null ? {} : { actions: [{ type: 'Action.OpenUrl', title: 'Open', url: said.url }] }),
      };
      const attachment = { contentType: 'application/vnd.microsoft.card.adaptive', content };
      return json(url, { type: 'message', attachments: [attachment] });
    },
  },
  ntfy: {
    label: 'ntfy',
    example: 'https://ntfy.sh/your-topic',
    secretLabel: 'Access token, where the topic needs one',
    refuses: ({ pathname }) =>
      /\/[-\w]{1,64}\/?$/.test(pathname) ? null : 'Must end with the name of a topic',
    message: ({ news, url, secret }) => {
      const { said, text } = fitted(news, textOf, isForNtfy);
      const at = new URL(url);
      const path = at.pathname.replace(/\/$/, '');
      const topic = path.slice(path.lastIndexOf('/') + 1);
      at.pathname = path.slice(0, path.lastIndexOf('/') + 1);
      const priority = said.severity === 'critical' ? 4 : said.severity === 'warning' ? 3 : 2;
      const click = said.url === null ? {} : { click: said.url };
      const body = { topic, title: short(said.title, 200), message: text, priority, ...click };
      return json(at.href, body, secret === null ? {} : { authorization: `Bearer ${secret}` });
    },
  },
  telegram: {
    label: 'Telegram (bot)',
    example: 'https://api.telegram.org/bot<token>/sendMessage?chat_id=<id>',
    secretLabel: null,
    refuses: ({ pathname, searchParams }) => {
      if (!/\/bot[^/]+\/sendMessage$/.test(pathname))
        return 'Must end with /bot<token>/sendMessage?chat_id=<id>';
      const unknown = [...searchParams.keys()].find((name) => !TELEGRAM_PARAMETERS.includes(name));
      if (unknown !== undefined) {
        return `Takes ${TELEGRAM_PARAMETERS.join(' and ')}, and nothing is made of “${unknown}”: leave it out`;
      }
      if (!/^\d*$/.test(searchParams.get('message_thread_id') ?? ''))
        return 'Must have a number as message_thread_id';
      return searchParams.get('chat_id') ? null : 'Must name the chat: ?chat_id=<id>';
    },
    message: ({ news, url }) => {
      const made = (said: Composed) => uncalled(`${titleOf(said)}\n\n${textOf(said)}`);
      const { text } = fitted(news, made, isShort);
      const at = new URL(url);
      const chat = at.searchParams.get('chat_id');
      const thread = Number(at.searchParams.get('message_thread_id') ?? '');
      at.search = '';
      // No parse mode: what is said is plain text, in which names with an @ call all the same.
      const more = { link_preview_options: { is_disabled: true } };
      return json(at.href, {
        ...{ chat_id: chat, text, ...more },
        ...(thread > 0 ? { message_thread_id: thread } : {}),
      });
    },
  },
  webhook: {
    label: 'A service of your own (JSON)',
    example: 'https://example.com/hook',
    secretLabel: 'Secret to sign with',
    refuses: () => null,
    message: ({ news, url, secret, id, at }) => {
      const said = composeNews(news);
      const items = news.items.map(({ severity, title, message, database_id: databaseId, at: since }) => ({
        ...{ severity, title, message, databaseId, at: since },
      }));
      const body = {
        event: 'notification',
        severity: said.severity,
        title: said.title,
        total: news.total,
        items,
      };
      return webhookMessage('notification', { url, body: JSON.stringify(body), id, secret, at });
    },
  },
};

export const CHANNEL_KINDS = Object.keys(CHAT_KINDS).filter(isChannelKind);

export function isChannelKind(text: string): text is ChannelKind {
  return Object.hasOwn(CHAT_KINDS, text);
}

const isShort = (text: string) => text.length <= MOST_CHARACTERS;
const bytesIn = (text: string) => new TextEncoder().encode(text).length;
const isForNtfy = (text: string) =>
  bytesIn(text) <= MOST_NTFY_BYTES.message && bytesIn(JSON.stringify(text)) <= MOST_NTFY_BYTES.json;
const titleOf = ({ severity, title }: Composed) => `${SIGNS[severity]} ${title}`;

function json(url: string, body: object, more: Readonly<Record<string, string>> = {}): Message {
  const headers = { 'content-type': 'application/json', ...more };
  return { url, method: 'POST', body: JSON.stringify(body), headers };
}

/**
 * As Slack wants it: what is no mark-up of ours is none, and nobody is called. Mattermost and Rocket.Chat read Markdown in the
 * same field: nothing is escaped there that Slack would show, so a character without width parts what would be a name that
 * calls, or a link.
 */
function slack(text: string): string {
  return text
    .split('\n')
    .map((line) => (IS_URL.test(line) ? line : line.replaceAll(/@|!(?=\[)|\[|\]/g, `$&${NO_WIDTH}`)))
    .join('\n')
    .replaceAll('`', "'")
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

const NO_WIDTH = '\u200B';
/** As a page of ours is: nothing in it is mark-up. */
const IS_URL = /^https?:\/\/[^\s[\]()<>!`@*~|\\]+$/;

/** With nobody called by a name with an @ in it. */
function uncalled(text: string): string {
  return text
    .split('\n')
    .map((line) => (IS_URL.test(line) ? line : line.replaceAll('@', `@${NO_WIDTH}`)))
    .join('\n');
}

/** Markdown that means nothing; what leads to a page of ours stays a link. */
function discord(text: string): string {
  return text
    .split('\n')
    .map((line) => (IS_URL.test(line) ? line : line.replaceAll(/[\\*_~`|>#[\]()]/g, '\\$&')))
    .join('\n');
}
