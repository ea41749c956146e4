import { expect, test } from 'vitest';
import { type Bench, elements, startBench } from './harness.ts';

async function fill(bench: Bench, keys: readonly string[]): Promise<void> {
  for (const key of keys) await bench.send('PUT', `/backups/${encodeURI(key)}`, { body: key });
}

async function list(bench: Bench, query: string): Promise<string> {
  return (await bench.send('GET', `/backups?list-type=2${query}`)).text();
}

test('keys are listed in the order of their bytes and in pages', async () => {
  const bench = await startBench();
  await fill(bench, ['b', 'a/2', 'a/1', 'é', 'B', '日', '😀', '\uff5e']);
  const found: string[] = [];
  let more = '';
  do {
    const page = await list(bench, `&max-keys=3${more}`);
    found.push(...elements(page, 'Key'));
    const token = elements(page, 'NextContinuationToken')[0];
    more = token === undefined ? '' : `&continuation-token=${token}`;
  } while (more !== '');
  expect(found).toEqual(['B', 'a/1', 'a/2', 'b', 'é', '日', '\uff5e', '😀']);
});

test('prefix, delimiter and start-after select; a common prefix counts once, also across pages', async () => {
  const bench = await startBench();
  await fill(bench, ['a/1', 'a/b/2', 'a/b/3', 'a/c/4', 'a/d', 'z']);
  const whole = await list(bench, '&prefix=a/&delimiter=/');
  expect(elements(whole, 'Key')).toEqual(['a/1', 'a/d']);
  expect(whole.match(/<CommonPrefixes>.*<\/CommonPrefixes>/)?.[0]).toBe(
    '<CommonPrefixes><Prefix>a/b/</Prefix></CommonPrefixes><CommonPrefixes><Prefix>a/c/</Prefix></CommonPrefixes>',
  );
  expect(elements(whole, 'KeyCount')).toEqual(['4']);
  const first = await list(bench, '&prefix=a/&delimiter=/&max-keys=2');
  const token = elements(first, 'NextContinuationToken')[0];
  const second = await list(bench, `&prefix=a/&delimiter=/&continuation-token=${token}`);
  expect(second).not.toContain('a/b/');
  expect(second).toContain('<Prefix>a/c/</Prefix>');
  expect(elements(await list(bench, '&start-after=a/b/3'), 'Key')).toEqual(['a/c/4', 'a/d', 'z']);
});

test('keys are escaped for XML, and percent-encoded when asked', async () => {
  const bench = await startBench();
  await bench.send('PUT', '/backups/a%26b%20%3Cc%3E', { body: 'a' });
  expect(elements(await list(bench, ''), 'Key')).toEqual(['a&amp;b &lt;c&gt;']);
  expect(elements(await list(bench, '&encoding-type=url'), 'Key')).toEqual(['a%26b%20%3Cc%3E']);
});

test('the older listing pages by marker', async () => {
  const bench = await startBench();
  await fill(bench, ['a', 'b', 'c']);
  const first = await (await bench.send('GET', '/backups?max-keys=2')).text();
  expect(elements(first, 'NextMarker')).toEqual(['b']);
  const second = await (await bench.send('GET', '/backups?marker=b')).text();
  expect(elements(second, 'Key')).toEqual(['c']);
});

test('buckets are listed in pages', async () => {
  const bench = await startBench({ buckets: ['cc', 'aa', 'bb'] });
  const first = await (await bench.send('GET', '/?max-buckets=2')).text();
  expect(elements(first, 'Name')).toEqual(['aa', 'bb']);
  const token = elements(first, 'ContinuationToken')[0];
  const second = await (await bench.send('GET', `/?continuation-token=${token}`)).text();
  expect(elements(second, 'Name')).toEqual(['cc']);
  expect(elements(second, 'ContinuationToken')).toEqual([]);
});
