import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { sendDownload } from '../../src/http/download-response.ts';

function appWith(fileName: string) {
  const seen = { isCancelled: false };
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      controller.enqueue(new TextEncoder().encode('dump'));
      controller.close();
    },
    cancel: () => {
      seen.isCancelled = true;
    },
  });
  const app = new Hono();
  const file = { kind: 'stream', body, fileName, bytes: 4, totalBytes: 4, range: null, etag: null } as const;
  app.get('/', (c) => sendDownload(c, file));
  return { app, seen };
}

describe('the download of a file', () => {
  it.each([
    ['appdb-2026.sql.gz', 'attachment; filename="appdb-2026.sql.gz"'],
    ['a"b\\c.sql', `attachment; filename="a_b_c.sql"; filename*=UTF-8''a%22b%5Cc.sql`],
    ["ünï (1)'.sql", `attachment; filename="_n_ (1)'.sql"; filename*=UTF-8''%C3%BCn%C3%AF%20%281%29%27.sql`],
  ])('is an attachment named %s', async (fileName, disposition) => {
    const response = await appWith(fileName).app.request('/');
    expect(response.headers.get('content-disposition')).toBe(disposition);
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    expect(response.headers.get('content-length')).toBe('4');
    expect(await response.text()).toBe('dump');
  });

  it('closes the file when only its headers are asked for', async () => {
    const { app, seen } = appWith('a.sql');
    const response = await app.request('/', { method: 'HEAD' });
    expect(response.headers.get('content-length')).toBe('4');
    expect(seen.isCancelled).toBe(true);
  });
});
