import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { writeTogether } from '../../src/hosts/node/write-together.ts';

/** A stream that notes what leaves it in one call. */
function watched() {
  const calls: string[][] = [];
  const prepared: number[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      calls.push([chunk.toString()]);
      done();
    },
    writev(chunks, done) {
      calls.push(chunks.map(({ chunk }) => String(chunk)));
      done();
    },
  });
  writeTogether(stream, () => prepared.push(calls.length));
  return { stream, calls, prepared };
}

const turn = () => new Promise<void>((done) => setImmediate(done));

it('what is written in one turn leaves at once, and what comes later by itself', async () => {
  const { stream, calls, prepared } = watched();
  for (const part of ['länge', '🙂 "x"', 'tag']) stream.write(part);
  expect(calls).toEqual([]);
  await turn();
  expect(calls).toEqual([['länge', '🙂 "x"', 'tag']]);
  stream.write('more');
  await turn();
  expect(calls.slice(1)).toEqual([['more']]);
  expect(prepared).toEqual([0, 1]);
});

it('an end in the same turn loses nothing of it', async () => {
  const { stream, calls } = watched();
  stream.write('a');
  stream.end('b');
  await new Promise((done) => stream.once('finish', done));
  await turn();
  expect(calls.flat()).toEqual(['a', 'b']);
});
