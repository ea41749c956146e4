import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { VALID_CHUNKS } from '../../src/hosts/host.ts';
import { startProcess } from '../../src/hosts/node/process.ts';
import { gather, readOutput } from '../../src/hosts/node/read-output.ts';

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

describe('a command that prints at once', () => {
  it.each([
    ['with its greeting', 0],
    ['before its reader has had a turn', 1],
  ])('loses nothing of what comes %s', async (_, pauses) => {
    const stdout = new PassThrough();
    const lines = ['first line\n', 'second line\n', 'third line\n'];
    const open = async (commandLine: string) => {
      const [, token = ''] = /printf .*? ([\w-]+) "\$\$"/.exec(commandLine) ?? [];
      let take = (chunk: Uint8Array): boolean => stdout.write(chunk);
      setTimeout(async () => {
        take(Buffer.from(`\n${token} 42\n`));
        for (let pause = 0; pause < pauses; pause += 1) await Promise.resolve();
        for (const line of lines) take(Buffer.from(line));
        setTimeout(() => stdout.end(), 10);
      });
      return {
        stdin: new PassThrough(),
        stdout,
        packets: {
          divert: (given: typeof take) => {
            take = given;
          },
          resume: () => undefined,
        },
        stderr: new PassThrough(),
        ended: Promise.resolve({ exitCode: 0, exitSignal: null }),
        kill: async () => undefined,
        abandon: () => undefined,
      };
    };
    const signal = new AbortController().signal;
    const output: Uint8Array[] = [];
    const running = startProcess({
      label: 'db',
      command: { script: 'x' },
      options: { signal, bulk: true },
      open,
    });
    for await (const chunk of running) output.push(Buffer.from(chunk));
    expect(Buffer.concat(output).toString()).toBe(lines.join(''));
  });
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
    const reading = {
      timeoutMs: undefined,
      idle: () => new Error('idle'),
      flooded: () => new Error('flooded'),
      intake: gather(),
    };
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
