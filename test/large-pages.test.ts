import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

it('a worker that starts processes has its memory in large pages, and what it starts has not', () => {
  // glibc may have cut it where its first setting ends.
  const begunWith = readFileSync('/proc/self/environ', 'latin1').split('\0');
  expect(begunWith).toContainEqual(expect.stringMatching(/^GLIBC_TUNABLES=glibc\.malloc\.hugetlb=1(:|$)/));
  expect(execFileSync('env', { encoding: 'utf8' })).not.toContain('GLIBC_TUNABLES');
});
