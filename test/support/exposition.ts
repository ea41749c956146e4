/** What a text in Prometheus' format says. */
export interface Exposed {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly ExposedSample[];
}

export interface ExposedSample {
  /** Of a histogram with `_bucket`, `_sum` or `_count`. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/s;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;

/**
 * Reads all of it, by metric. Throws for a line that is none of the format, a sample that is apart from its metric, a metric that
 * comes twice, and two samples with the same labels.
 */
export function readExposition(text: string): ReadonlyMap<string, Exposed> {
  if (!text.endsWith('\n')) throw new Error('The text does not end with its last line.');
  const metrics = new Map<string, Exposed & { readonly samples: ExposedSample[] }>();
  const seen = new Set<string>();
  let help: readonly [name: string, text: string] | undefined;
  let open: string | undefined;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    if (line.startsWith('# HELP ')) {
      const [, , name = '', ...words] = line.split(' ');
      help = [name, words.join(' ')];
      continue;
    }
    if (line.startsWith('# TYPE ')) {
      const [, , name = '', type = ''] = line.split(' ');
      if (metrics.has(name)) throw new Error(`${name} comes twice.`);
      if (help?.[0] !== name) throw new Error(`${name} has no help.`);
      metrics.set(name, { type, help: help[1], samples: [] });
      open = name;
      continue;
    }
    const sample = readSample(line);
    const metric = open === undefined ? undefined : metrics.get(open);
    if (metric === undefined || (sample.name !== open && !isOf(open ?? '', metric.type, sample.name)))
      throw new Error(`A sample is apart from its metric: ${line}`);
    const identity = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`;
    if (seen.has(identity)) throw new Error(`A sample comes twice: ${line}`);
    seen.add(identity);
    metric.samples.push(sample);
  }
  return metrics;
}

function readSample(line: string): ExposedSample {
  const [, name, labels = '', number] = SAMPLE.exec(line) ?? [];
  if (name === undefined || number === undefined) throw new Error(`No line of the format: ${line}`);
  const value =
    { '+Inf': Number.POSITIVE_INFINITY, '-Inf': Number.NEGATIVE_INFINITY }[number] ?? Number(number);
  if (Number.isNaN(value) && number !== 'NaN') throw new Error(`No number: ${line}`);
  return { name, labels: readLabels(labels, line), value };
}

function readLabels(text: string, line: string): Readonly<Record<string, string>> {
  const labels: [string, string][] = [];
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const [, name = '', value] = LABEL.exec(text) ?? [];
    if (value === undefined) throw new Error(`No labels of the format: ${line}`);
    labels.push([name, value.replaceAll(/\\(.)/g, (_, letter) => (letter === 'n' ? '\n' : letter))]);
  }
  if (new Set(labels.map(([name]) => name)).size < labels.length)
    throw new Error(`A label comes twice: ${line}`);
  return Object.fromEntries(labels);
}

const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['_sum', '_count'],
};
const isOf = (metric: string, type: string, name: string) =>
  (SUFFIXES[type] ?? []).some((suffix) => name === metric + suffix);
