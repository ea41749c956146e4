import { describe, expect, it } from 'vitest';
import { compatibilityPage } from '../scripts/compatibility-report.mjs';
import { PROVIDERS } from '../src/object-stores/providers.ts';

const suite = (name: string, results: Readonly<Record<string, string>>) => ({
  name: `/somewhere/test/object-stores/s3/${name}.test.ts`,
  assertionResults: Object.entries(results).map(([title, status]) => {
    const titles = title.split(' > ');
    return { ancestorTitles: titles.slice(0, -1), title: titles.at(-1) ?? '', status };
  }),
});

const PAGE = compatibilityPage(
  {
    testResults: [
      suite('profiles', {
        'a storage that sheds load > Wasabi (profile) as an object store > gives a range': 'passed',
        'Wasabi (profile) as an object store > leaves nothing': 'failed',
        'Vultr Object Storage (profile) as an object store > does each operation once': 'passed',
        'Cloudflare R2 > gets equal parts': 'passed',
      }),
      suite('rgw', { 'a bucket of the Ceph gateway as an object store > gives a range': 'passed' }),
      {
        name: '/somewhere/test/object-stores/host-files/host-files.test.ts',
        assertionResults: [
          { ancestorTitles: ['files as an object store'], title: 'gives a range', status: 'passed' },
        ],
      },
    ],
  },
  PROVIDERS,
);

describe('the compatibility page', () => {
  it('keeps what ran as software apart from what is a profile only', () => {
    expect(PAGE).toContain('| Ceph gateway | software | ✓ |  |  |');
    expect(PAGE).toContain('| Wasabi | profile | ✓ |  | ✗ |');
    expect(PAGE).toContain('1. gives a range\n2. does each operation once\n3. leaves nothing');
    expect(PAGE).not.toContain('| files |');
    expect(PAGE).not.toContain('**a storage that sheds load**');
  });

  it('names the profile against which the cases were run that one was not met by', () => {
    expect(PAGE).toContain('| Vultr Object Storage | profile, as Linode / Akamai |  | ✓ |  |');
  });

  it('says of a provider that nothing was tried', () => {
    expect(PAGE).toContain('| Google Cloud Storage (HMAC keys) | nothing |');
    expect(PAGE).not.toContain('| Wasabi | nothing |');
  });

  it('lists the cases of a provider’s own, and what is known of each', () => {
    expect(PAGE).toContain('**Cloudflare R2**\n\n- ✓ gets equal parts');
    for (const { name } of PROVIDERS) expect(PAGE).toContain(`| ${name} | \``);
  });
});
