import { Hono } from 'hono';
import { expect, it } from 'vitest';
import {
  sayNext,
  takeSaid,
  takeTransaction,
  writeTransaction,
} from '../../src/http/ui/kit/sign-on-cookies.ts';
import { newTransaction, type Transaction } from '../../src/oidc/transaction.ts';
import type { Services } from '../../src/services-port.ts';

const services = (publicUrl: string | null, at = '2026-02-25T10:00:00.000Z') =>
  ({
    config: { publicUrl, trustProxy: [], jwtSecret: 'x'.repeat(32) },
    now: () => new Date(at),
  }) as unknown as Services;

const HTTPS = 'https://backups.example.com';
const redirectUri = `${HTTPS}/login/oidc/callback`;
const begin = (next = '/servers') =>
  newTransaction({ issuer: 'https://a', clientId: 'b' }, { next, link: null, redirectUri });

/** A browser's cookies, and a request with them. */
async function ask<T>(
  jar: Map<string, string>,
  work: (c: Parameters<typeof takeSaid>[0]) => Promise<T>,
): Promise<{ readonly value: T; readonly lines: readonly string[] }> {
  let done: Promise<T> | undefined;
  const app = new Hono().get('/', async (c) => {
    done = work(c);
    await done;
    return c.text('');
  });
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  const response = await app.request('/', { headers: { cookie } });
  const lines = response.headers.getSetCookie();
  for (const line of lines) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (/max-age=0/i.test(line)) jar.delete(name);
    else jar.set(name, value);
  }
  if (done === undefined) throw new Error('nothing was asked');
  return { value: await done, lines };
}

it('keeps a sign-in that was begun in a cookie of this host alone, for ten minutes, not for scripts', async () => {
  const jar = new Map<string, string>();
  const begun = await begin();
  const { lines } = await ask(jar, (c) => writeTransaction(c, begun, services(HTTPS)));
  expect(lines).toEqual([
    expect.stringMatching(
      /^__Host-bridgeport_oidc_[\w-]{16}=.*; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    ),
  ]);
  const { value } = await ask(jar, (c) => takeTransaction(c, begun.state, services(HTTPS)));
  expect(value).toEqual(begun);
  const again = await ask(jar, (c) => takeTransaction(c, begun.state, services(HTTPS)));
  expect([again.value, jar.size]).toEqual([null, 0]);
});

it('takes none that is over, of another state, of another name, or that somebody has changed', async () => {
  const jar = new Map<string, string>();
  const [begun, other] = [await begin(), await begin()];
  const taken = (state: string | null, at?: string) =>
    ask(new Map(jar), (c) => takeTransaction(c, state, services(null, at))).then(({ value }) => value);
  await ask(jar, (c) => writeTransaction(c, begun, services(null)));
  expect(await taken(begun.state)).toEqual(begun);
  expect(await taken(begun.state, '2026-02-25T10:10:00.000Z')).toBe(null);
  // The clock was set back since.
  expect(await taken(begun.state, '2026-02-25T09:00:00.000Z')).toBe(null);
  expect(await taken(null)).toBe(null);
  expect(await taken(other.state)).toBe(null);
  expect(await taken(`${begun.state.slice(0, 16)}${other.state.slice(16)}`)).toBe(null);
  const [[name = '', value = ''] = []] = [...jar];
  jar.set(`bridgeport_oidc_${other.state.slice(0, 16)}`, value);
  expect(await taken(other.state)).toBe(null);
  const [kind, text = '', rest = ''] = value.split('.');
  const forged = btoa(JSON.stringify({ ...begun, next: '//evil.example' })).replaceAll('=', '');
  jar.set(name, [kind, forged, rest, value.split('.')[3]].join('.'));
  expect(await taken(begun.state)).toBe(null);
  expect(text).not.toBe(forged);
});

it('says once what went wrong, by a cookie that stands for nothing else', async () => {
  const jar = new Map<string, string>();
  const sentence = `Größe <b>x</b> 🗝 ${'x'.repeat(5000)}`;
  await ask(jar, (c) => sayNext(c, sentence, services(null)));
  const [[, value = ''] = []] = [...jar];
  expect(value.length).toBeLessThan(4000);
  const said = await ask(jar, (c) => takeSaid(c, services(null)));
  expect(said.value).toMatch(/^Größe <b>x<\/b> 🗝 x+…$/);
  expect((await ask(jar, (c) => takeSaid(c, services(null)))).value).toBe(null);
  const begun: Transaction = await begin();
  await ask(jar, (c) => writeTransaction(c, begun, services(null)));
  const [[, signed = ''] = []] = [...jar];
  jar.set('bridgeport_said', signed);
  expect((await ask(jar, (c) => takeSaid(c, services(null)))).value).toBe(null);
});

it('lets two tabs sign in at once, and keeps the latest four of many', async () => {
  const jar = new Map<string, string>();
  const all: Transaction[] = [];
  for (let tab = 0; tab < 8; tab += 1) {
    const begun = await begin();
    all.push(begun);
    const at = `2026-02-25T10:00:0${tab}.000Z`;
    await ask(jar, (c) => writeTransaction(c, begun, services(null, at)));
  }
  expect(jar.size).toBe(4);
  const at = '2026-02-25T10:00:09.000Z';
  const taken = async ({ state }: Transaction) =>
    (await ask(jar, (c) => takeTransaction(c, state, services(null, at)))).value;
  for (const begun of all.slice(4)) expect(await taken(begun)).toEqual(begun);
  for (const begun of all.slice(0, 4)) expect(await taken(begun)).toBe(null);
});

it('keeps no address that is too long for a cookie', async () => {
  expect((await begin(`/x?${'y'.repeat(600)}`)).next).toBe('/');
});
