import { defineConfig } from 'vitest/config';

/** `--mode large` runs the long proofs of test/large, one at a time, instead of everything else. */
export default defineConfig(({ mode }) => {
  const large = mode === 'large';
  return {
    oxc: { jsx: { runtime: 'automatic', importSource: 'hono/jsx' } },
    test: {
      include: large ? ['test/large/**/*.test.ts'] : ['test/**/*.test.{ts,tsx}'],
      exclude: large ? [] : ['test/large/**'],
      globalSetup: 'test/support/shared/setup.ts',
      testTimeout: large ? 3_600_000 : 30_000,
      hookTimeout: 60_000,
      // A machine that is shared may stand still for a second: it is waited for what comes, not for its time.
      expect: { poll: { timeout: 10_000 } },
      maxWorkers: large ? 1 : 2,
      passWithNoTests: false,
    },
  };
});
