import { describe, expect, it } from 'vitest';
import { createSlots, eachAtOnce } from '../src/at-once.ts';

/** Holds whoever waits for it until it is opened. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { passed: promise, open: resolve };
}

describe('slots', () => {
  it('let so many in at once, the others in the order of their coming', async () => {
    const slots = createSlots(2);
    const entered: string[] = [];
    const enter = async (name: string) => {
      const release = await slots.take();
      entered.push(name);
      return release;
    };
    const [first, , third, fourth] = [enter('a'), enter('b'), enter('c'), enter('d')];
    const release = await first;
    expect([entered, slots.waiting]).toEqual([['a', 'b'], 2]);
    release();
    release();
    (await third)();
    await fourth;
    expect([entered, slots.waiting]).toEqual([['a', 'b', 'c', 'd'], 0]);
  });

  it('give up a place in the queue when the signal aborts, with its reason', async () => {
    const slots = createSlots(1);
    const release = await slots.take();
    const gone = new AbortController();
    const given = slots.take(gone.signal);
    const next = slots.take();
    gone.abort(new Error('Gone fishing'));
    await expect(given).rejects.toThrow('Gone fishing');
    expect(slots.waiting).toBe(1);
    release();
    (await next)();
  });
});

describe('doing it with each item', () => {
  it('begins with so many and gives the results in the order of the items', async () => {
    const gates = [gate(), gate(), gate(), gate()];
    const begun: number[] = [];
    const all = eachAtOnce([0, 1, 2, 3], 2, async (item) => {
      begun.push(item);
      await gates[item]?.passed;
      return `#${item}`;
    });
    await Promise.resolve();
    gates[1]?.open();
    await expect.poll(() => begun).toEqual([0, 1, 2]);
    for (const { open } of gates) open();
    expect(await all).toEqual(['#0', '#1', '#2', '#3']);
  });

  it('throws the first failure and begins with no further item', async () => {
    const begun: number[] = [];
    const all = eachAtOnce([0, 1, 2, 3], 1, async (item) => {
      begun.push(item);
      if (item === 1) throw new Error('No more');
    });
    await expect(all).rejects.toThrow('No more');
    expect(begun).toEqual([0, 1]);
  });
});
