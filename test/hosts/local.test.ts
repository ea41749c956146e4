import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { openLocalHost } from '../../src/hosts/node/local.ts';
import { createLog } from '../../src/log.ts';
import { describeHost, textOf } from '../contracts/host.ts';

const log = createLog(
  'error',
  () => {},
  () => new Date(),
);

describeHost('local', async () => {
  const host = openLocalHost({ label: 'this machine', log });
  return { host, whatIsVisible: descendants, stop: () => host.close() };
});

it('keeps the environment of the app from its commands', async () => {
  process.env['MASTER_KEY_FOR_TEST'] = 'must not be seen';
  const host = openLocalHost({ label: 'this machine', log });
  const output = host.run({ script: 'env' }, { signal: new AbortController().signal });
  delete process.env['MASTER_KEY_FOR_TEST'];
  const names = (await textOf(output)).split('\n').map((line) => line.split('=')[0]);
  expect(
    names.filter((name) => !['PATH', 'HOME', 'LANG', 'PWD', 'SHLVL', '_', 'OLDPWD', ''].includes(name ?? '')),
  ).toEqual([]);
});

/** Arguments and environments of all processes but this one, whose own memory the signs come from. */
async function descendants(): Promise<string> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const read = (path: string) => readFile(path, 'latin1').catch(() => '');
  const texts = await Promise.all(
    pids.flatMap((pid) => [read(`/proc/${pid}/cmdline`), read(`/proc/${pid}/environ`)]),
  );
  return texts.join('\n').replaceAll('\0', ' ');
}
