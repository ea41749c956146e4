import { describe, expect, it } from 'vitest';
import { channelChange } from '../../src/notifications/change-channel.ts';
import { channelInput } from '../../src/notifications/channels.ts';
import { CHANNEL_KINDS, CHAT_KINDS } from '../../src/notifications/chat.ts';
import { composeNews, htmlOf, type News, textOf } from '../../src/notifications/compose.ts';

const ODD = 'shop "ü" <!channel> @everyone *b* [x](https://evil.example) & 😀';
const AT = '2026-02-25T10:00:00.000Z';
const item = {
  ...{ severity: 'critical' as const, title: `Backup failed: ${ODD}`, message: `no\nway, ${ODD}` },
  ...{ database_id: 'd1', at: AT },
} as const;
const news: News = { items: [item], total: 1, publicUrl: 'https://backup.example.com' };
const URLS = {
  slack: 'https://hooks.slack.com/services/T/B/x',
  discord: 'https://discord.com/api/webhooks/1/x',
  teams: 'https://x.api.powerplatform.com/flow?sig=y',
  ntfy: 'https://ntfy.example.com/sub/my-topic',
  telegram: 'https://api.telegram.org/bot1:x/sendMessage?chat_id=-100',
  webhook: 'https://example.com/hook',
} as const;

async function sent(kind: keyof typeof URLS, of = news, secret: string | null = null) {
  const message = await CHAT_KINDS[kind].message({
    news: of,
    url: URLS[kind],
    secret,
    id: 'd',
    at: new Date(AT),
  });
  expect([message.method, message.headers?.['content-type']]).toEqual(['POST', 'application/json']);
  return { url: message.url, headers: message.headers ?? {}, body: JSON.parse(message.body ?? '') };
}

describe('a message to a channel', () => {
  it('is in the form of its kind, to the address of its kind', async () => {
    expect((await sent('slack')).body.text).toContain('*🔴 Backup failed: shop "ü" &lt;!channel&gt;');
    const discord = (await sent('discord')).body;
    expect(discord.allowed_mentions).toEqual({ parse: [] });
    expect(discord.embeds[0]).toMatchObject({
      color: 0xa5202b,
      url: 'https://backup.example.com/notifications',
    });
    expect(discord.embeds[0].description).toContain('https://backup.example.com/databases/d1');
    expect(discord.embeds[0].description).not.toContain('[x](');
    const [card] = (await sent('teams')).body.attachments;
    expect(card.content).toMatchObject({ type: 'AdaptiveCard', version: '1.4' });
    const ntfy = await sent('ntfy', news, 'tk_1');
    expect(ntfy.url).toBe('https://ntfy.example.com/sub/');
    expect(ntfy.body).toMatchObject({ topic: 'my-topic', priority: 4, title: item.title });
    expect(ntfy.headers['authorization']).toBe('Bearer tk_1');
    const telegram = await sent('telegram');
    expect(telegram.url).toBe('https://api.telegram.org/bot1:x/sendMessage');
    expect(telegram.body).toMatchObject({ chat_id: '-100' });
    expect(telegram.body.text.replaceAll('\u200B', '')).toContain(ODD);
    // Telegram finds whom to call in plain text, too.
    expect(telegram.body.text).not.toMatch(/@\w/);
    expect(telegram.body.parse_mode).toBeUndefined();
    const webhook = await sent('webhook', news, 'secret');
    expect(webhook.body).toMatchObject({ severity: 'critical', total: 1, items: [{ databaseId: 'd1' }] });
    expect(webhook.headers['webhook-signature']).toMatch(/^v1,/);
  });

  it('has no header that a secret or a name breaks', async () => {
    const evil = 'a\r\nX-Evil: 1\r\n\r\n';
    const of = { ...news, items: [{ ...item, title: evil, message: evil }] };
    for (const kind of CHANNEL_KINDS) {
      const message = await CHAT_KINDS[kind].message({
        news: of,
        url: URLS[kind],
        secret: null,
        id: 'd',
        at: new Date(AT),
      });
      for (const [name, value] of Object.entries(message.headers ?? {})) {
        expect([kind, name, /[\r\n]/.test(value)]).toEqual([kind, name, false]);
      }
      for (const secret of [evil, 'a\nb', 'a\u0007', '\u0085']) {
        const input = { kind, name: 'x', url: URLS[kind], secret };
        expect([kind, channelInput.safeParse(input).success]).toEqual([kind, false]);
        expect([kind, channelChange.safeParse({ secret }).success]).toEqual([kind, false]);
      }
    }
  });

  it('stays within what its service takes, however much has happened, and says how much more there is', async () => {
    const long = { ...item, message: 'x'.repeat(1000), severity: 'warning' } as const;
    const many = { items: Array.from({ length: 50 }, () => long), total: 1000, publicUrl: null };
    for (const kind of CHANNEL_KINDS) {
      const { body } = await sent(kind, many);
      expect([kind, JSON.stringify(body).length < 70_000]).toEqual([kind, true]);
    }
    expect((await sent('slack', many)).body.text.length).toBeLessThanOrEqual(3500);
    expect((await sent('discord', many)).body.embeds[0].description.length).toBeLessThanOrEqual(4096);
    expect((await sent('telegram', many)).body.text.length).toBeLessThanOrEqual(4096);
    const short = { ...many, items: many.items.map((one) => ({ ...one, message: 'x' })) };
    expect((await sent('telegram', short)).body.text).toContain('and 990 more');
  });

  it('is no longer for ntfy than its servers take, in bytes, which refuse or set aside what is', async () => {
    for (const text of ['x', 'ü', '数', '😀', '"', '\\', '\u0001\n']) {
      const long = { ...item, title: text.repeat(200), message: text.repeat(1000) };
      const many = { items: Array.from({ length: 50 }, () => long), total: 1000, publicUrl: null };
      const { body } = await sent('ntfy', many);
      expect([text, Buffer.byteLength(body.message) <= 4096]).toEqual([text, true]);
      // The server reads no more than twice that of all.
      expect([text, Buffer.byteLength(JSON.stringify(body)) <= 8192]).toEqual([text, true]);
      expect([text, body.message.length > 500, body.message.includes('\uFFFD')]).toEqual([text, true, false]);
    }
  });

  it('names each of the ten worst, however much a tool printed of the first, and says how many more there are', async () => {
    const items = Array.from({ length: 12 }, (_, at) => ({
      ...{ ...item, title: `Backup failed: db-${at}.`, message: `ERROR of db-${at}. ${'x'.repeat(1000)}` },
    }));
    for (const kind of ['slack', 'discord', 'teams', 'ntfy', 'telegram'] as const) {
      const text = JSON.stringify((await sent(kind, { ...news, items, total: 40 })).body);
      for (let at = 0; at < 10; at += 1)
        expect([kind, at, text.includes(`ERROR of db-${at}`)]).toEqual([kind, at, true]);
      expect([kind, text.includes('and 30 more')]).toEqual([kind, true]);
    }
  });

  it('calls nobody and leads nowhere by what it repeats, where a chat reads Markdown in what is Slack’s', async () => {
    const evil =
      '@channel @all ![x](https://evil.example/i.png) [log in](https://evil.example) `code` [a]: https://evil.example';
    const lines = `${evil}\nhttps://evil.example/[x](https://evil.example)\nhttps://evil.example/@here`;
    const of = { ...item, title: evil, message: lines };
    const { text } = (await sent('slack', { ...news, items: [of] })).body;
    expect(text).not.toMatch(/@\w|\]\(|\]:|!\[|`|\[\w/);
    expect(text.replaceAll('\u200B', '')).toContain('@channel @all ![x](https://evil.example/i.png)');
    expect(text).toContain('\nhttps://backup.example.com/databases/d1');
  });

  it('goes to a topic of Telegram where its address names one, and takes nothing that would be lost', async () => {
    const url = `${URLS.telegram}&message_thread_id=7`;
    const { refuses, message } = CHAT_KINDS.telegram;
    const { body } = await message({ news, url, secret: null, id: 'd', at: new Date(AT) });
    expect(JSON.parse(body ?? '')).toMatchObject({ chat_id: '-100', message_thread_id: 7 });
    expect((await sent('telegram')).body.message_thread_id).toBeUndefined();
    expect(refuses(new URL(url))).toBeNull();
    expect(refuses(new URL(`${url}&parse_mode=HTML`))).toContain('“parse_mode”');
    expect(refuses(new URL(`${URLS.telegram}&message_thread_id=x`))).toContain('message_thread_id');
  });

  it('has an address of its kind', () => {
    for (const kind of CHANNEL_KINDS)
      expect([kind, CHAT_KINDS[kind].refuses(new URL(URLS[kind]))]).toEqual([kind, null]);
    const bad = [
      ...([
        ['discord', 'https://discord.com/channels/1'],
        ['ntfy', 'https://ntfy.sh/'],
      ] as const),
      ...([
        ['telegram', 'https://api.telegram.org/bot1:x/getMe'],
        ['telegram', URLS.telegram.split('?')[0]],
      ] as const),
    ];
    for (const [kind, url = ''] of bad)
      expect([url, CHAT_KINDS[kind].refuses(new URL(url))]).not.toEqual([url, null]);
  });
});

describe('a mail', () => {
  it('says it in text and in HTML, escaped, with links where the app’s address is known', () => {
    const one = composeNews(news);
    expect(textOf(one)).toBe(`${item.message}\nhttps://backup.example.com/databases/d1`);
    expect(htmlOf(one)).toContain(
      '<a href="https://backup.example.com/databases/d1">Backup failed: shop &quot;ü&quot; &lt;!channel&gt;',
    );
    expect(htmlOf(composeNews({ ...news, publicUrl: null }))).not.toContain('href');
    const two = composeNews({
      ...news,
      items: [item, { ...item, severity: 'info', title: 'second' }],
      total: 2,
    });
    expect([two.severity, two.title]).toEqual(['critical', `2 notifications: ${item.title}, and more`]);
    expect(textOf(two)).toContain('second\nno\nway');
  });
});
