import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { engineFor } from '../../src/engines/engines.ts';

/** docs/databases.md: the table of formats, held to what the engines do. */

it('the formats of the docs are those of the engines, with their files and content types', async () => {
  const page = await readFile(new URL('../../docs/databases.md', import.meta.url), 'utf8');
  const [, section = ''] = page.split('## Format and compression\n');
  const documented = [
    ...section.matchAll(/^\| `(\w+)` \| (.+?) \| `(\.[\w.]+)`[^|]* \| `([\w/-]+)` \|$/gm),
  ].flatMap(([, format = '', compressions = '', extension = '', contentType = '']) =>
    [...compressions.matchAll(/`(\w+)`/g)].map(([, compression = '']) => [
      format,
      compression,
      extension,
      contentType,
    ]),
  );
  expect(documented).toEqual(
    ['plain', 'custom', 'tar'].flatMap((backupFormat) =>
      ['none', 'gzip', 'zstd'].map((backupCompression) => {
        const plan = engineFor('postgres')?.dump({
          host: null,
          port: null,
          databaseName: 'appdb',
          username: null,
          password: null,
          options: { backupFormat, backupCompression },
        });
        return [backupFormat, backupCompression, plan?.fileExtension, plan?.contentType];
      }),
    ),
  );
});
