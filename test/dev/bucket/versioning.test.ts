import { expect, test } from 'vitest';
import { type Bench, elements, putParts, refusal, startBench, temporaryFolder } from './harness.ts';

test('a versioned bucket keeps every version until it is removed by its id', async () => {
  const bench = await startBench({ versioned: ['backups'] });
  const put = async (body: string) =>
    (await bench.send('PUT', '/backups/a', { body })).headers.get('x-amz-version-id');
  const [first, second] = [await put('one'), await put('two')];
  const read = (query = '') => bench.send('GET', `/backups/a${query}`);
  expect(await (await read()).text()).toBe('two');
  expect(await (await read(`?versionId=${first}`)).text()).toBe('one');
  expect((await bench.send('DELETE', `/backups/a?versionId=${second}`)).status).toBe(204);
  expect(await (await read()).text()).toBe('one');
  expect(await refusal(await read(`?versionId=${second}`))).toBe('404 NoSuchVersion');
});

test('a removal without an id only hides the object behind a delete marker', async () => {
  const bench = await startBench({ versioned: ['backups'] });
  const put = await bench.send('PUT', '/backups/a', { body: 'one' });
  const versionId = put.headers.get('x-amz-version-id');
  const removal = await bench.send('DELETE', '/backups/a');
  const markerId = removal.headers.get('x-amz-version-id');
  expect(removal.headers.get('x-amz-delete-marker')).toBe('true');
  expect(await refusal(await bench.send('GET', '/backups/a'))).toBe('404 NoSuchKey');
  expect(bench.objects('backups')).toEqual([]);
  const versions = await (await bench.send('GET', '/backups?versions=')).text();
  expect(elements(versions, 'VersionId').toSorted()).toEqual([versionId, markerId].toSorted());
  expect(await (await bench.send('GET', `/backups/a?versionId=${versionId}`)).text()).toBe('one');
  await bench.send('DELETE', `/backups/a?versionId=${markerId}`);
  expect(await (await bench.send('GET', '/backups/a')).text()).toBe('one');
});

test('Complete names the version it made', async () => {
  const bench = await startBench({ versioned: ['backups'] });
  const response = await putParts(bench, '/backups/a', [Buffer.from('part')]);
  expect(response.headers.get('x-amz-version-id')).toBe(bench.objects('backups')[0]?.versionId);
});

test('a bucket without versioning names no version', async () => {
  const bench = await startBench();
  const put = await bench.send('PUT', '/backups/a', { body: 'one' });
  expect(put.headers.get('x-amz-version-id')).toBeNull();
  expect((await bench.send('DELETE', '/backups/a')).headers.get('x-amz-delete-marker')).toBeNull();
});

test('a later start finds the versions in their order', async () => {
  const folder = await temporaryFolder();
  const first = await startBench({ folder, versioned: ['backups'] });
  for (const body of ['one', 'two', 'three', 'four']) await first.send('PUT', '/backups/a', { body });
  const listed = async (bench: Bench) =>
    elements(await (await bench.send('GET', '/backups?versions=')).text(), 'VersionId');
  const before = await listed(first);
  await first.close();
  const second = await startBench({ folder, versioned: ['backups'] });
  expect(before).toHaveLength(4);
  expect(await listed(second)).toEqual(before);
  expect(await (await second.send('GET', '/backups/a')).text()).toBe('four');
});
