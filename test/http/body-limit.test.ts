import { Hono } from 'hono';
import { expect, it } from 'vitest';
import { limitBody } from '../../src/http/body-limit.ts';

const app = new Hono();
app.use(limitBody({ patienceMs: 1 }));
app.post('/unread', (c) => c.text('😀', 401));

const ask = (body: ReadableStream<Uint8Array>, length: number) =>
  app.request('/unread', {
    ...{ method: 'POST', body, duplex: 'half' },
    headers: { 'content-length': String(length) },
  });
const sent = (...chunks: readonly Uint8Array[]) =>
  new ReadableStream<Uint8Array>({
    start: (controller) => {
      for (const chunk of chunks) controller.enqueue(chunk);
    },
  });

it('a client that stands still within a body that nobody reads gets its answer, and no further one', async () => {
  const answer = await ask(sent(new Uint8Array(3)), 10);
  expect([answer.status, await answer.text(), answer.headers.get('connection')]).toEqual([
    401,
    '😀',
    'close',
  ]);
});

it('a client that breaks off gets its answer as well', async () => {
  const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.error(new Error('gone')) });
  const answer = await ask(body, 10);
  expect([answer.status, answer.headers.get('connection')]).toEqual([401, 'close']);
});

it('a body that came in whole leaves the connection open', async () => {
  const answer = await ask(new Blob(['{}']).stream(), 2);
  expect([answer.status, answer.headers.get('connection')]).toEqual([401, null]);
});
