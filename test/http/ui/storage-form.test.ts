import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPages, type Pages, type Visitor } from './pages.ts';

const ODD = `${'ß'.repeat(200)} "🙂"`;
const TYPED = {
  shownProvider: 'digitalocean',
  provider: 'digitalocean',
  accessKey: ODD,
  secretKey: 'a-secret-that-was-typed',
  region: 'fra1',
  buckets: 'one\r\ntwo',
  encryption: 'AES256',
  next: '/',
};

let pages: Pages;
let admin: Visitor;
let environments: readonly string[];
beforeAll(async () => {
  pages = await openPages();
  admin = await pages.signedIn('admin');
  for (const name of ['production', 'staging']) await admin.post('/environments/new', { name });
  environments = (
    await pages.services.db.selectFrom('environments').select('id').orderBy('name').execute()
  ).map(({ id }) => id);
});
afterAll(() => pages.close());

const choose = (change: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}) => {
  const fields = new URLSearchParams({ ...TYPED, ...change });
  fields.append('enable', environments[1] ?? '');
  const what = change['pasted'] === undefined ? 'provider' : 'paste';
  return admin.post(`/admin/storage/edit?do=${what}`, fields.toString(), headers);
};
const valueIn = (html: string, name: string) =>
  (new RegExp(`<input[^>]* name="${name}"[^>]*>`).exec(html)?.[0] ?? '').match(/ value="([^"]*)"/)?.[1];
const chosen = (html: string, name: string) =>
  new RegExp(`<select[^>]* name="${name}".*?<option value="([^"]*)" selected`, 's').exec(html)?.[1];

/** All that does not hang on the provider. */
function expectKept(html: string): void {
  expect(valueIn(html, 'accessKey')).toBe(ODD.replaceAll('"', '&quot;'));
  expect(html).toMatch(/<textarea[^>]*name="buckets"[^>]*>one\r?\ntwo</);
  expect(chosen(html, 'encryption')).toBe('AES256');
  const boxes = [...html.matchAll(/<input type="checkbox" name="enable" value="(\w+)"( checked)?/g)];
  expect(boxes.map(([, id, tick]) => [id, tick !== undefined])).toEqual([
    [environments[0], false],
    [environments[1], true],
  ]);
  expect(valueIn(html, 'next')).toBe('/');
  expect(html).not.toContain('a-secret-that-was-typed');
}

describe('another provider chosen in the form of the storage', () => {
  it('leaves what was typed and ticked as it is, and asks for what that one needs', async () => {
    const { status, html } = await choose({ provider: 'aws' });
    expect(status).toBe(200);
    expectKept(html);
    expect(chosen(html, 'provider')).toBe('aws');
    expect(valueIn(html, 'shownProvider')).toBe('aws');
    // A region of the one is none of the other.
    expect(chosen(html, 'region')).toBe('us-east-1');
    // Without a script a secret is gone, and the field says so.
    expect(html).toMatch(/id="field-secretKey-error"[^>]*>Type it again/);
  });

  it('lets a script keep the secret where it is', async () => {
    const { html } = await choose({ provider: 'aws' }, { 'hx-request': 'true' });
    expectKept(html);
    expect(html).toMatch(/<input[^>]*name="secretKey"[^>]* hx-preserve=""/);
    expect(html).not.toContain('Type it again');
  });

  it('keeps a region and an endpoint that somebody has chosen where the other takes them', async () => {
    const typed = { shownProvider: 'minio', endpoint: 'minio.example.com:9000', region: 'eu-north-1' };
    const other = (await choose({ ...typed, provider: 'other' })).html;
    expect([valueIn(other, 'endpoint'), valueIn(other, 'region')]).toEqual([
      'minio.example.com:9000',
      'eu-north-1',
    ]);
    // Of one that asks for none it is kept until one asks again.
    const aws = (await choose({ ...typed, provider: 'aws' })).html;
    expect(aws).not.toContain('name="endpoint"');
    expect(chosen(aws, 'region')).toBe('eu-north-1');
    const typedEndpoint = valueIn(aws, 'typedEndpoint') ?? '';
    const back = (
      await choose({ shownProvider: 'aws', provider: 'minio', region: 'us-east-1', typedEndpoint })
    ).html;
    expect(valueIn(back, 'endpoint')).toBe('minio.example.com:9000');
  });

  it('is asked for its own before anything is saved, where the form was sent as it was', async () => {
    const { status, html } = await admin.post('/admin/storage/edit', { ...TYPED, provider: 'minio' });
    expect(status).toBe(200);
    expect(html).toMatch(/<input[^>]* name="endpoint"/);
    expect(valueIn(html, 'accessKey')).toBe(ODD.replaceAll('"', '&quot;'));
    expect(await pages.services.db.selectFrom('spaces_config').selectAll().execute()).toEqual([]);
  });

  it.each([
    ['digitalocean', 'fra1.digitaloceanspaces.com'],
    ['aws', 's3.us-east-1.amazonaws.com'],
    ['r2', '&lt;account id&gt;.r2.cloudflarestorage.com'],
  ])('shows how an address of %s looks, as it may be pasted', async (provider, example) => {
    const { html } = await choose({ provider });
    const field = /<input[^>]* name="pasted"[^>]*>/.exec(html)?.[0];
    expect(field).toContain(`placeholder="${example}"`);
  });

  it('is told by an address that is pasted, which leaves the rest as it is, too', async () => {
    const { html } = await choose({ pasted: 'https://mine.s3.eu-central-003.backblazeb2.com' });
    expect(chosen(html, 'provider')).toBe('backblaze');
    expect(valueIn(html, 'accessKey')).toBe(ODD.replaceAll('"', '&quot;'));
    expect(html).toMatch(/<textarea[^>]*name="buckets"[^>]*>mine</);
    expect(valueIn(html, 'pasted')).toBe('https://mine.s3.eu-central-003.backblazeb2.com');
    const none = (await choose({ pasted: '<b> "ü"' })).html;
    expectKept(none);
    expect(chosen(none, 'provider')).toBe('digitalocean');
    expect(none).not.toContain('<b>');
  });

  it('is the admins’', async () => {
    const operator = await pages.signedIn('operator');
    expect((await operator.post('/admin/storage/edit?do=provider', TYPED)).status).toBe(403);
  });
});
