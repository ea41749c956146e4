import { describe, expect, it } from 'vitest';
import { attachment, fileNameIn } from '../../../src/content-disposition.ts';
import { curlLine, fetchLine, fileNameOf } from '../../../src/http/ui/reference/curl-line.ts';

const ODD = [
  'plain.sql.gz',
  `späte "Datei" (2)'s*!~.dump`,
  'a+b %41 & ?#;.tar',
  '日本語 😀.sql',
  'ß'.repeat(90),
  `$(id) \`x\` \\ ; rm -rf ~.sql`,
];

describe('the name of a file in the header of its download', () => {
  it.each(ODD)('is read as it was written: %s', (name) => {
    expect(fileNameIn(attachment(name))).toBe(name.replaceAll('/', '_'));
  });

  it.each([null, '', 'inline', 'attachment', `attachment; filename*=UTF-8''%E0%A4%A`])(
    'is none in %s',
    (text) => {
      expect(fileNameIn(text)).toBeNull();
    },
  );
});

describe('the command of a download', () => {
  const told = { status: 200, headers: [['content-disposition', attachment(`it's ü.sql`)]] } as const;
  const trial = { target: '/api/backups/x/download', body: null, key: null, needsToken: true } as const;

  it('stores the file under its name once it is whole, and over no other', () => {
    expect(fileNameOf(told)).toBe(`it's ü.sql`);
    expect(fileNameOf({ ...told, status: 206 })).toBeNull();
    const line = curlLine('http://localhost', 'GET', { ...trial, fileName: fileNameOf(told) });
    expect(line.split(' \\\n  ')).toEqual([
      `curl -fsSg -X GET -o 'it'\\''s ü.sql.part' 'http://localhost/api/backups/x/download'`,
      '-H "Authorization: Bearer $TOKEN"',
      `&& mv -n 'it'\\''s ü.sql.part' 'it'\\''s ü.sql'`,
    ]);
    expect(curlLine('http://localhost', 'GET', trial)).not.toContain(' -o ');
  });

  it.each([
    ['-', './-'],
    ['-o evil', './-o evil'],
    ['..', './_'],
    ['../../etc/passwd', '.._.._etc_passwd'],
    ['a\nb', 'a_b'],
  ])('writes %j into this folder, as %s', (fileName, word) => {
    const line = curlLine('http://localhost', 'GET', { ...trial, fileName });
    expect(line).toContain(`-o '${word}.part' `);
    expect(line.endsWith(`&& mv -n '${word}.part' '${word}'`)).toBe(true);
  });

  it('fetches by a link, under the name that the link gives, else under the one that comes', () => {
    const link = new URL(`https://s3.example.com/b/k%20y?X-Amz-Signature=a'b`);
    const answer = () => ({ status: 200, body: JSON.stringify({ downloadUrl: link.href, expiresAt: 'x' }) });
    expect(fetchLine(answer())).toBe(`curl -fsSg -OJ 'https://s3.example.com/b/k%20y?X-Amz-Signature=a%27b'`);
    link.searchParams.set('response-content-disposition', attachment('日本語 "😀".sql'));
    expect(fetchLine(answer())).toMatch(
      /^curl -fsSg -o '日本語 "😀"\.sql\.part' 'https:\/\/s3[^']*' \\\n {2}&& mv -n '日本語 "😀"\.sql\.part' '日本語 "😀"\.sql'$/,
    );
    expect(fetchLine({ status: 404, body: answer().body })).toBeNull();
    for (const body of ['', 'no json', '[]', 'null', '{"downloadUrl":7}', '{"downloadUrl":"no url"}']) {
      expect([body, fetchLine({ status: 200, body })]).toEqual([body, null]);
    }
  });
});
