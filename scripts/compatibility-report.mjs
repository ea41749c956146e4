/**
 * The compatibility page, made of what a test run proved and of the provider table.
 *
 * @typedef {{ ancestorTitles: readonly string[], title: string, status: string }} Test
 * @typedef {{ testResults: ReadonlyArray<{ name: string, assertionResults: readonly Test[] }> }} Report of vitest
 * @typedef {import('../src/object-stores/providers.ts').Provider} Provider
 */

import { contractOf } from '../dev/bucket/behaviours.ts';
import { behaviourOf, isProfileName } from '../dev/bucket/profiles.ts';

const CONTRACT = ' as an object store';
const PROFILE = ' (profile)';
const SOFTWARE = 'a bucket of ';

const INTRODUCTION = `# Compatibility

Made by \`node scripts/compatibility.mjs\` from a run of the tests; not written by hand.

**Nothing here was tried against a provider's own service.** Two kinds of proof are kept apart:

- **Software**: the S3 server itself ran beside the tests, over TLS: the Ceph object gateway (which DigitalOcean Spaces,
  Hetzner, Linode and Vultr run), OpenStack Swift's s3api, and the development bucket of this repository. The gateway
  and Swift come from Debian.
- **Profile**: the development bucket behaved as the provider is known to, by its documentation and by reports. That
  proves how this client takes the known behaviour, and nothing about what nobody has reported. Of some little is known:
  the last column of the [table below](#what-is-known) says what a profile does beyond what all of them do. All shed load
  now and then. Each profile is met by every kind of request once, and every behaviour by all cases: "as" names the row
  of the profile whose answers are the same where these cases look.
`;

/**
 * @param {Report} report
 * @param {readonly Provider[]} providers
 * @returns {string} Markdown
 */
export function compatibilityPage(report, providers) {
  const tests = report.testResults
    .filter(({ name }) => /[\\/]test[\\/]object-stores[\\/]s3[\\/]/.test(name))
    .flatMap(({ assertionResults }) => assertionResults);
  const suites = contractSuites(tests);
  const cases = [...new Set(suites.flatMap((suite) => [...suite.results.keys()]))];
  return [
    INTRODUCTION,
    '## Storing and reading, case by case\n',
    table(
      ['Storage', 'Tried against', ...cases.map((_, index) => String(index + 1))],
      [
        ...suites.map((suite) => [
          suite.name,
          [suite.against, ...standIn(suite, providers)].join(', as '),
          ...cases.map((name) => mark(suite.results.get(name))),
        ]),
        ...untried(suites, providers).map(({ name }) => [name, 'nothing', ...cases.map(() => '')]),
      ],
    ),
    `\n${cases.map((name, index) => `${index + 1}. ${name}`).join('\n')}\n`,
    '## What else was tried\n',
    ...otherSuites(tests).map(
      ([name, own]) =>
        `**${name}**\n\n${own.map(({ title, status }) => `- ${mark(status)} ${title}`).join('\n')}\n`,
    ),
    '## What is known\n',
    'Sources: D the vendor’s documentation, S source code of the server or of a well-known client, I issue reports, ' +
      'M measured against the software, K common knowledge that nobody here has verified; in the order address, parts, ' +
      'ETag of parts, scoped key, versions, minimum days, load.\n',
    knownTable(providers),
    '',
  ].join('\n');
}

/**
 * @param {readonly Test[]} tests
 * @returns {ReadonlyArray<{ name: string, against: string, results: ReadonlyMap<string, string> }>}
 */
function contractSuites(tests) {
  /** @type {Map<string, Map<string, string>>} */
  const suites = new Map();
  for (const { ancestorTitles, title, status } of tests) {
    const suite = ancestorTitles.find((name) => name.endsWith(CONTRACT));
    if (suite === undefined) continue;
    const name = suite.slice(0, -CONTRACT.length);
    suites.set(name, (suites.get(name) ?? new Map()).set(title, status));
  }
  return [...suites]
    .map(([name, results]) => ({
      name: name.replace(PROFILE, '').replace(SOFTWARE, '').replace(/^the /, ''),
      against: name.endsWith(PROFILE) ? 'profile' : 'software',
      results,
    }))
    .sort((a, b) => b.against.localeCompare(a.against) || a.name.localeCompare(b.name));
}

/**
 * The provider in whose row the cases stand that were not run against this profile; none where they were.
 *
 * @param {{ name: string, against: string }} suite
 * @param {readonly Provider[]} providers
 * @returns {readonly string[]}
 */
function standIn({ name, against }, providers) {
  const id = providers.find((provider) => provider.name === name)?.id ?? '';
  if (against !== 'profile' || !isProfileName(id)) return [];
  const other = contractOf(id);
  return other === id ? [] : providers.filter((provider) => provider.id === other).map((found) => found.name);
}

/**
 * Providers of which nothing is known that could be tried.
 *
 * @param {ReadonlyArray<{ name: string }>} suites
 * @param {readonly Provider[]} providers
 */
function untried(suites, providers) {
  return providers.filter(
    ({ id, name }) => id !== 'other' && !suites.some((suite) => suite.name.startsWith(name)),
  );
}

/**
 * Tests of the servers and tools themselves, by the title of their suite.
 *
 * @param {readonly Test[]} tests
 * @returns {ReadonlyArray<readonly [string, readonly Test[]]>}
 */
function otherSuites(tests) {
  /** @type {Map<string, Test[]>} */
  const suites = new Map();
  for (const test of tests) {
    const [suite = ''] = test.ancestorTitles.filter((title) => title !== '');
    if (suite === '' || test.ancestorTitles.some((title) => title.endsWith(CONTRACT))) continue;
    suites.set(suite, [...(suites.get(suite) ?? []), test]);
  }
  return [...suites];
}

/** @param {readonly Provider[]} providers */
function knownTable(providers) {
  return table(
    [
      ...['Provider', 'Endpoint', 'Parts', 'Scoped key', 'Versions', 'Paid days', 'Under load', 'Sources'],
      'What its profile does of its own',
    ],
    providers.map((provider) => [
      provider.name,
      `\`${provider.endpointPattern}\`${provider.addressing === 'virtual-host' ? ', virtual hosts' : ''}`,
      partsOf(provider),
      `${SCOPED_KEYS[provider.scopedKey.listBuckets]}, absent is ${provider.scopedKey.missingObject}`,
      provider.versions,
      String(provider.minimumDays),
      provider.throttling.map(({ status, code }) => `${status} ${code}`).join(', '),
      Object.values(provider.evidence).join(''),
      isProfileName(provider.id) ? (behaviourOf(provider.id) ?? 'nothing particular is known') : '–',
    ]),
  );
}

const SCOPED_KEYS = {
  denied: 'may not list',
  own: 'lists its own',
  all: 'lists all',
  none: 'there are none',
};

/** @param {Provider} provider */
function partsOf({ parts, multipartEtag, keepsMetadata, dropsUploadsAfterHours }) {
  return [
    `${parts.maxParts.toLocaleString('en')}${parts.equal ? ' equal' : ''}`,
    `object ≤ ${Number((parts.maxObjectBytes / 1e12).toFixed(1))} TB`,
    ...(multipartEtag === 'opaque' ? ['ETag says nothing'] : []),
    ...(keepsMetadata ? [] : ['loses metadata']),
    ...(dropsUploadsAfterHours === null ? [] : [`dropped after ${dropsUploadsAfterHours} h`]),
  ].join(', ');
}

/** @param {string | undefined} status */
function mark(status) {
  if (status === undefined) return '';
  return status === 'passed' ? '✓' : '✗';
}

/**
 * @param {readonly string[]} head
 * @param {ReadonlyArray<readonly string[]>} rows
 */
function table(head, rows) {
  /** @param {readonly string[]} cells */
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
