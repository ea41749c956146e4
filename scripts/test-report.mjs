/**
 * Numbers of a vitest run. Whatever did not pass counts as failed: a test that was skipped or left as "todo", a
 * file that could not be loaded, an error outside of any test.
 *
 * @param {{
 *   numTotalTests: number,
 *   numPassedTests: number,
 *   testResults: ReadonlyArray<{ status: string, assertionResults: readonly unknown[] }>,
 * }} report of vitest's JSON reporter
 * @param {number} exitStatus of vitest
 * @returns {{ passed: number, failed: number }}
 */
export function countTests(report, exitStatus) {
  const passed = report.numPassedTests;
  const unloadable = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  ).length;
  const failed = report.numTotalTests - passed + unloadable;
  return { passed, failed: failed === 0 && exitStatus !== 0 ? 1 : failed };
}

/**
 * The fault cases of a vitest run: tests that make a server, a host or the app itself fail on purpose, under
 * test/faults and in the fault suites of the storage clients.
 *
 * @param {{ testResults: ReadonlyArray<{ name: string, assertionResults: ReadonlyArray<{ status: string }> }> }} report
 * of vitest's JSON reporter
 * @returns {{ cases: number, failed: number }}
 */
export function countFaultCases(report) {
  const results = report.testResults
    .filter(({ name }) => /[\\/]test[\\/](faults[\\/]|object-stores[\\/].*faults\.test\.)/.test(name))
    .flatMap((file) => file.assertionResults);
  return { cases: results.length, failed: results.filter(({ status }) => status !== 'passed').length };
}
