/** A metric of the text that Prometheus reads (its text format, version 0.0.4). */
export interface Metric {
  /** In base units: `_seconds`, `_bytes`; a counter ends in `_total`. */
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter';
}

/** Labels as they stand between the braces: made once for all metrics of a thing, since escaping is most of the work. */
export function labelsOf(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(',');
}

/** Labels of both. */
export function joined(one: string, other: string): string {
  return one === '' || other === '' ? one + other : `${one},${other}`;
}

/** What is known of some metrics, sample by sample, given out metric by metric, as the format wants it. */
export interface Samples {
  /** Nothing where the value is not known. */
  add(metric: Metric, labels: string, value: number | null | undefined): void;
  /** The text of each metric, those without a sample left out. */
  sections(): Iterable<string>;
}

/** Lines that are joined at once: small strings that live long are most of what the collection of garbage costs. */
const JOINED = 256;

/** In the order of these metrics. */
export function createSamples(metrics: readonly Metric[]): Samples {
  const texts = new Map(metrics.map((metric) => [metric, emptyText()]));
  return {
    add(metric, labels, value) {
      const text = texts.get(metric);
      if (text === undefined || value === null || value === undefined) return;
      text.lines.push(`${metric.name}${labels === '' ? '' : `{${labels}}`} ${numberText(value)}\n`);
      if (text.lines.length < JOINED) return;
      text.done += text.lines.join('');
      text.lines = [];
    },
    *sections() {
      for (const [{ name, help, type }, { done, lines }] of texts) {
        const samples = done + lines.join('');
        if (samples !== '') yield `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples}`;
      }
    },
  };
}

/** Seconds since 1970 of an instant. */
export function secondsOf(instant: string | null): number | null {
  return instant === null ? null : Date.parse(instant) / 1000;
}

function emptyText(): { done: string; lines: string[] } {
  return { done: '', lines: [] };
}

function escaped(text: string): string {
  return NEEDS_ESCAPE.test(text) ? text.replaceAll(EACH, (letter) => ESCAPES[letter] ?? letter) : text;
}

const NEEDS_ESCAPE = /[\\"\n]/;
const EACH = /[\\"\n]/g;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? '+Inf' : '-Inf';
}
