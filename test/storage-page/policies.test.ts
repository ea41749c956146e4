import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { policyFor } from '../../src/object-stores/policies.ts';
import { PROVIDERS } from '../../src/object-stores/providers.ts';

/** What the docs ask an admin to allow is what the program says that it needs. */

const aws = PROVIDERS.find(({ id }) => id === 'aws');
if (aws === undefined) throw new Error('no AWS');
const policy = policyFor({ provider: aws, region: 'us-east-1', buckets: ['prod-backups'], prefix: '' });
const needed = [...policy.permissions, ...policy.optional].map(({ permission }) => permission).toSorted();

const page = (name: string) => readFile(new URL(`../../docs/providers/${name}`, import.meta.url), 'utf8');
const permissionsIn = (text: string) => [...new Set(text.match(/\bs3:[A-Z]\w+/g))].toSorted();

describe('the permissions of the docs', () => {
  it('are those of the program, in the table of requests', async () => {
    const table = (await page('README.md')).split('\n').filter((line) => line.startsWith('| '));
    expect(permissionsIn(table.join('\n'))).toEqual(needed);
  });

  it('are those of the program, on the page of AWS', async () => {
    const section = /## The smallest policy\n([\s\S]*?)\n## /.exec(await page('aws-s3.md'))?.[1] ?? '';
    // Named there only to say that it is not needed.
    const named = permissionsIn(section).filter((permission) => permission !== 's3:GetBucketLocation');
    expect(named).toEqual(needed);
  });
});
