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
  /** Their text as UTF-8, one after the other; a metric without a sample is left out. */
  parts(): readonly Uint8Array<ArrayBuffer>[];
}

/**
 * Lines that are made bytes at once. Bytes lie beside V8's heap: the megabyte that a scrape of a thousand databases comes to was copied
 * about in it by the collection of garbage as long as it was text, which took longer than to make it.
 */
const AT_ONCE = 64;

/** In the order of these metrics. */
export function createSamples(metrics: readonly Metric[]): Samples {
  const texts = new Map(metrics.map((metric) => [metric, emptyText()]));
  return {
    add(metric, labels, value) {
      const text = texts.get(metric);
      if (text === undefined || value === null || value === undefined) return;
      text.lines.push(`${metric.name}${labels === '' ? '' : `{${labels}}`} ${numberText(value)}\n`);
      if (text.lines.length >= AT_ONCE) keep(text);
    },
    parts() {
      return [...texts].flatMap(([{ name, help, type }, text]) => {
        keep(text);
        return text.parts.length === 0
          ? []
          : [bytesOf(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`), ...text.parts];
      });
    },
  };
}

/** As UTF-8. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

const encoder = new TextEncoder();

/** One after the other. */
export function joinedBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.byteLength;
  }
  return all;
}

/** Seconds since 1970 of an instant. */
export function secondsOf(instant: string | null): number | null {
  return instant === null ? null : Date.parse(instant) / 1000;
}

interface Text {
  readonly parts: Uint8Array<ArrayBuffer>[];
  lines: string[];
}

function emptyText(): Text {
  return { parts: [], lines: [] };
}

function keep(text: Text): void {
  if (text.lines.length === 0) return;
  text.parts.push(bytesOf(text.lines.join('')));
  text.lines = [];
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
