import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createSamples,
  joined,
  joinedBytes,
  labelsOf,
  type Metric,
  secondsOf,
} from '../../src/metrics/exposition.ts';
import { readExposition } from '../support/exposition.ts';

const METRIC: Metric = { name: 'bridgeport_x_seconds', help: 'Of something <b>odd</b>.', type: 'gauge' };
const OTHER: Metric = { name: 'bridgeport_y_total', help: 'Of others.', type: 'counter' };

function textOf(samples: readonly (readonly [Metric, string, number | null])[]): string {
  const all = createSamples([METRIC, OTHER]);
  for (const [metric, labels, value] of samples) all.add(metric, labels, value);
  return new TextDecoder().decode(joinedBytes(all.parts()));
}

describe('the text of metrics', () => {
  it('says again what was put in, whatever names hold', () => {
    const odd = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: fc.constantFrom('"', '\\', '\n', 'n', '{', '}', ',', '=', ' ', '🗝', '<script>') }),
    );
    fc.assert(
      fc.property(odd, odd, fc.double(), (environment, database, value) => {
        const labels = joined(labelsOf({ environment }), labelsOf({ database }));
        const [sample] = readExposition(textOf([[METRIC, labels, value]])).get(METRIC.name)?.samples ?? [];
        expect(sample?.labels).toEqual({ environment, database });
        // It is written as 0.
        expect(sample?.value).toBe(Object.is(value, -0) ? 0 : value);
      }),
    );
  });

  it('keeps the samples of a metric together, and leaves out what nothing is known of', () => {
    const text = textOf([
      [OTHER, 'a="1"', 1],
      [METRIC, '', 1.5],
      [OTHER, 'a="2"', null],
      [OTHER, 'a="3"', 0],
    ]);
    expect(text).toBe(
      [
        '# HELP bridgeport_x_seconds Of something <b>odd</b>.',
        '# TYPE bridgeport_x_seconds gauge',
        'bridgeport_x_seconds 1.5',
        '# HELP bridgeport_y_total Of others.',
        '# TYPE bridgeport_y_total counter',
        'bridgeport_y_total{a="1"} 1',
        'bridgeport_y_total{a="3"} 0',
        '',
      ].join('\n'),
    );
    expect(textOf([[METRIC, '', null]])).toBe('');
  });

  it('gives instants in seconds', () => {
    expect(secondsOf('2026-02-28T23:59:59.250Z')).toBe(1_772_323_199.25);
    expect(secondsOf(null)).toBeNull();
  });
});

describe('the reader that tests trust', () => {
  it.each([
    ['a line that is none', 'x{a="1} 2\n'],
    ['a sample apart from its metric', '# HELP x y\n# TYPE x gauge\nz 1\n'],
    ['a metric twice', '# HELP x y\n# TYPE x gauge\n# HELP x y\n# TYPE x gauge\n'],
    ['a sample twice', '# HELP x y\n# TYPE x gauge\nx{a="1",b="2"} 1\nx{b="2",a="1"} 1\n'],
    ['a raw line break', '# HELP x y\n# TYPE x gauge\nx{a="1\n2"} 1\n'],
    ['no number', '# HELP x y\n# TYPE x gauge\nx Nan\n'],
    ['no end', '# HELP x y\n# TYPE x gauge\nx 1'],
  ])('refuses %s', (_, text) => {
    expect(() => readExposition(text)).toThrow();
  });
});
