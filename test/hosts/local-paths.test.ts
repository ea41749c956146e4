import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLocalPathCheck } from '../../src/hosts/node/local-paths.ts';

let folder: string;
let check: (path: string) => Promise<void>;
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'paths-')));
  for (const name of ['allowed/deep', 'data/inner', 'elsewhere/deep']) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  for (const name of ['allowed/a.db', 'data/bridgeport.sqlite', 'elsewhere/b.db']) {
    writeFileSync(join(folder, name), 'x');
  }
  symlinkSync(join(folder, 'data'), join(folder, 'allowed/to-data'));
  symlinkSync(join(folder, 'data/inner'), join(folder, 'allowed/to-inner'));
  symlinkSync(join(folder, 'elsewhere/deep'), join(folder, 'allowed/to-deep'));
  symlinkSync(join(folder, 'data/not-yet'), join(folder, 'allowed/dangling'));
  symlinkSync(join(folder, 'allowed/loop'), join(folder, 'allowed/loop'));
  check = createLocalPathCheck({
    dataDir: join(folder, 'data'),
    localPaths: [join(folder, 'allowed'), join(folder, 'absent')],
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a path on this machine', () => {
  it.each(['allowed/a.db', 'allowed/new/file.sql', 'allowed/deep', 'absent/file.sql'])(
    'may be %s',
    async (name) => {
      await expect(check(join(folder, name))).resolves.toBeUndefined();
    },
  );

  it.each([
    ['the data folder', 'data'],
    ['a file in it', 'data/bridgeport.sqlite'],
    ['a file in it that is to be made', 'data/new.sql'],
    ['a link to it', 'allowed/to-data/bridgeport.sqlite'],
    ['a link to what is not there yet', 'allowed/dangling'],
    ['what lies beside the target of a link', 'allowed/to-inner/../bridgeport.sqlite'],
    ['what lies beside the target of another link', 'allowed/to-deep/../b.db'],
    ['a way up and down again', 'allowed/../allowed/a.db'],
    ['another folder', 'elsewhere/b.db'],
    ['a folder whose name begins alike', 'allowed-too/a.db'],
    ['a link that leads to itself', 'allowed/loop/a.db'],
  ])('may not be %s', async (_, name) => {
    await expect(check(`${folder}/${name}`)).rejects.toMatchObject({ code: 'host_path_refused' });
  });

  it('may not be the data folder by way of /proc', async () => {
    const path = `/proc/self/root${folder}/data/bridgeport.sqlite`;
    const everywhere = createLocalPathCheck({ dataDir: join(folder, 'data'), localPaths: ['/'] });
    await expect(everywhere(path)).rejects.toMatchObject({ code: 'host_path_refused' });
    await expect(everywhere(join(folder, 'elsewhere/b.db'))).resolves.toBeUndefined();
  });

  it('may not be a relative one', async () => {
    await expect(check('allowed/a.db')).rejects.toMatchObject({ code: 'host_path_refused' });
  });
});
