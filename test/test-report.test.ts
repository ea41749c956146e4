import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { countFaultCases } from '../scripts/test-report.mjs';

const at = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const file = (name: string, ...statuses: readonly string[]) => ({
  name: at(name),
  assertionResults: statuses.map((status) => ({ status })),
});

it('fault cases are those of test/faults and of the fault suite of the S3 client, where they lie', () => {
  const [ofRuns, ofClient] = ['faults/storage.test.ts', 'object-stores/s3/faults.test.ts'];
  expect([ofRuns, ofClient].filter((name) => !existsSync(at(name)))).toEqual([]);
  const testResults = [
    file(ofRuns, 'passed', 'failed'),
    file(ofClient, 'passed'),
    file('object-stores/s3/client.test.ts', 'passed'),
  ];
  expect(countFaultCases({ testResults })).toEqual({ cases: 3, failed: 1 });
});
