import { defineConfig } from 'vitest/config';
import { LongFirst } from './test/support/long-first.ts';
import { ON_POSTGRES, PROJECTS, projectOf, testFiles } from './test/support/projects.ts';

/**
 * For glibc, of workers that start processes by the thousand: each start copies the table of the worker's pages and throws the
 * copy away, which was a fourteenth of the CPU time of the older tests where those were of 4 KiB. What was freed is kept, so that it
 * need not be cleared again. Where the kernel has no such pages, nothing changes.
 */
const LARGE_PAGES = {
  GLIBC_TUNABLES: [
    'glibc.malloc.hugetlb=1',
    'glibc.malloc.trim_threshold=1073741824',
    'glibc.malloc.mmap_threshold=33554432',
  ].join(':'),
};

/** `--mode large` runs the long proofs of test/large, one at a time, instead of everything else. */
export default defineConfig(({ mode }) => {
  const large = mode === 'large';
  const files = testFiles().filter((file) => file.startsWith('test/large/') === large);
  return {
    oxc: { jsx: { runtime: 'automatic', importSource: 'hono/jsx' } },
    test: {
      // The long proofs write gibibytes, which belong on a disk.
      globalSetup: [
        ...(large ? [] : ['test/support/shared/memory-folder.ts']),
        'test/support/shared/setup.ts',
      ],
      setupFiles: ['test/support/dice.ts', 'test/support/large-pages.ts'],
      // What hangs, hangs for longer than this; what a busy machine does slowly must not fail for it.
      testTimeout: large ? 3_600_000 : 180_000,
      hookTimeout: 300_000,
      // A machine that is shared may stand still for a second: it is waited for what comes, not for its time.
      expect: { poll: { timeout: 10_000 } },
      // One more than the cores of a small machine: files wait for leases, retries and servers a third of their time.
      maxWorkers: large ? 1 : 3,
      // Files of one worker share its modules: to import the app anew costs a second of CPU each time.
      isolate: false,
      // Tests make much garbage that dies young: with V8's own 16 MiB for it they take a fifth more CPU time. Neither a heap of
      // a few MiB nor bytes outside of it, such as parts of dumps, are a reason to go through all that a worker holds.
      execArgv: [
        '--max-semi-space-size=32',
        '--initial-heap-size=256',
        '--external-memory-accounted-in-global-limit',
      ],
      sequence: { sequencer: LongFirst },
      passWithNoTests: false,
      projects: [
        ...PROJECTS.map((name) => ({
          extends: true as const,
          test: {
            name,
            include: files.filter((file) => projectOf(file) === name),
            env: name === 'servers' ? LARGE_PAGES : {},
          },
        })),
        {
          extends: true as const,
          test: {
            name: 'postgres',
            include: files.filter((file) => ON_POSTGRES.includes(file)),
            setupFiles: 'test/support/on-postgres.ts',
          },
        },
      ].filter(({ test }) => test.include.length > 0),
    },
  };
});
