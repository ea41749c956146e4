import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { VALID_CHUNKS } from '../../src/hosts/host.ts';
import { gather, moved, passOn, readOutput } from '../../src/hosts/read-output.ts';

const BLOCK_BYTES = 256 * 1024;

function filled(value: number, bytes = BLOCK_BYTES): Uint8Array {
  return new Uint8Array(bytes).fill(value);
}

describe('gathered output', () => {
  it('keeps the last chunks valid and uses the memory of those before them again', () => {
    const intake = gather();
    const given: Uint8Array[] = [];
    for (let value = 1; value <= 50; value += 1) {
      intake.take(filled(value));
      given.push(intake.give(false) ?? new Uint8Array());
      for (const [back, chunk] of given.slice(-VALID_CHUNKS).toReversed().entries()) {
        expect([chunk[0], chunk[BLOCK_BYTES - 1]], `after ${value}`).toEqual([value - back, value - back]);
      }
    }
    expect(new Set(given.map(({ buffer }) => buffer)).size).toBeLessThanOrEqual(VALID_CHUNKS + 2);
  });

  it('keeps them valid while the reader asks in vain', () => {
    const intake = gather();
    intake.take(filled(1, 2 * BLOCK_BYTES));
    const chunks = [intake.give(false), intake.give(false)];
    for (let asked = 0; asked < 5; asked += 1) expect(intake.give(false)).toBe(null);
    intake.take(filled(2, 2 * BLOCK_BYTES - 1));
    expect(chunks.map((chunk) => chunk?.every((byte) => byte === 1))).toEqual([true, true]);
  });

  it('gives what was taken, whatever the size of the packets', () => {
    const intake = gather();
    const taken = Array.from({ length: 40 }, (_, index) => filled(index + 1, 1 + ((index * 7919) % 70_000)));
    for (const packet of taken) intake.take(packet);
    const given: Buffer[] = [];
    for (let chunk = intake.give(true); chunk; chunk = intake.give(true)) given.push(Buffer.from(chunk));
    expect(Buffer.concat(given).equals(Buffer.concat(taken))).toBe(true);
  });
});

it('what had come before the output is gathered goes along', () => {
  const before = passOn();
  before.take(filled(1, 3));
  before.take(filled(2, 4));
  expect([...(moved(before, gather()).give(true) ?? [])]).toEqual([1, 1, 1, 2, 2, 2, 2]);
});

describe('reading a channel', () => {
  it('has the host go on before the reader has run out of blocks', async () => {
    const calls = { resumed: 0, pushed: 0 };
    let take = (_chunk: Uint8Array): boolean => true;
    const stdout = new PassThrough();
    const packets = {
      divert: (given: typeof take) => {
        take = given;
      },
      resume: () => {
        calls.resumed += 1;
      },
    };
    const reading = { timeoutMs: undefined, idle: () => new Error('idle'), intake: gather() };
    const output = readOutput({ stdout, packets }, new AbortController(), reading);
    const first = output.next();
    while (take(filled(7, 32 * 1024))) calls.pushed += 1;
    // What was on its way already.
    expect(take(filled(7))).toBe(false);
    await first;
    calls.resumed = 0;
    let read = 1;
    while (calls.resumed === 0) {
      await output.next();
      read += 1;
    }
    expect(reading.intake.isReady, `after ${read} blocks`).toBe(true);
    expect(take(filled(7, 1))).toBe(true);
    await output.return(undefined);
  });
});
