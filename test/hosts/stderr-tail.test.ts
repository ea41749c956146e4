import { expect, it } from 'vitest';
import { keepStderrTail } from '../../src/hosts/stderr-tail.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

it('keeps the last 8 KiB', () => {
  const tail = keepStderrTail([]);
  for (let line = 0; line < 2000; line += 1) tail.observe(bytes(`line ${line}\n`));
  expect(tail.text()).toHaveLength(8192);
  expect(tail.text().endsWith('line 1999\n')).toBe(true);
});

it('blanks a secret, its base64 and its URL form', () => {
  const secret = 'pass/word+1';
  const tail = keepStderrTail([secret]);
  tail.observe(bytes(`${secret} ${Buffer.from(secret).toString('base64')} ${encodeURIComponent(secret)}`));
  expect(tail.text()).toBe('*** *** ***');
});

it('blanks a secret that comes in two chunks', () => {
  const tail = keepStderrTail(['hunter2']);
  tail.observe(bytes('password hun'));
  tail.observe(bytes('ter2 refused'));
  expect(tail.text()).toBe('password *** refused');
});

it('blanks each line of a secret of several lines', () => {
  const tail = keepStderrTail(['-----BEGIN-----\nAAAABBBBCCCC\n']);
  tail.observe(bytes('bad line: AAAABBBBCCCC.'));
  expect(tail.text()).toBe('bad line: ***.');
});

it.each([8190, 8193, 8197, 8200, 8206, 8220, 8300])(
  'shows no part of a secret that the cut runs through (%i bytes follow)',
  (following) => {
    const tail = keepStderrTail(['correct-horse-battery']);
    tail.observe(bytes(`x correct-horse-battery${'.'.repeat(following - 21)}`));
    expect(tail.text()).not.toMatch(/battery|horse|tery/);
  },
);
