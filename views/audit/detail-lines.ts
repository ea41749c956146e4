/** One line of what an audited action was about. */
export interface DetailLine {
  /** Such as `backupFormat`; of what lies deeper, with dots. */
  readonly name: string;
  readonly value: string;
  /** What it was before; null where only the new value is known. */
  readonly before: string | null;
}

/** What is longer is cut, and an export has it whole. */
const MOST_LINES = 40;
const LONGEST = 500;

type Fields = Readonly<Record<string, unknown>>;

/** The details of a row, as lines: what was changed with what it was before, where that is known. */
export function detailLines(details: string | null): readonly DetailLine[] {
  if (details === null) return [];
  const said = parse(details);
  if (!isFields(said)) return [{ name: 'details', value: text(said), before: null }];
  const { changes, before, ...rest } = said;
  const changed = isFields(changes)
    ? Object.entries(changes).flatMap(([name, value]) =>
        flat(name, value).map((line) => ({ ...line, before: isFields(before) ? wasOf(before, name) : null })),
      )
    : flatAll({ ...(changes === undefined ? {} : { changes }) });
  const left =
    isFields(changes) && isFields(before)
      ? namesLeft(before, changes)
      : before === undefined
        ? {}
        : { before };
  return [...changed, ...flatAll(left), ...flatAll(rest)].slice(0, MOST_LINES);
}

function flatAll(fields: Fields): readonly DetailLine[] {
  return Object.entries(fields).flatMap(([name, value]) => flat(name, value));
}

function flat(name: string, value: unknown): readonly DetailLine[] {
  if (!isFields(value)) return [{ name, value: text(value), before: null }];
  const keys = Object.keys(value);
  if (keys.length === 2 && 'from' in value && 'to' in value) {
    return [{ name, value: text(value['to']), before: text(value['from']) }];
  }
  if (keys.length === 0) return [{ name, value: '–', before: null }];
  return Object.entries(value).flatMap(([key, part]) => flat(`${name}.${key}`, part));
}

/** What was before, of what no change says: such as settings that were reset. */
function namesLeft(before: Fields, changes: Fields): Fields {
  const left = Object.entries(before).filter(([name]) => !(name in changes));
  return left.length === 0 ? {} : { before: Object.fromEntries(left) };
}

function wasOf(before: Fields, name: string): string | null {
  return name in before ? text(before[name]) : null;
}

function text(value: unknown): string {
  const said =
    typeof value === 'string' ? value : Array.isArray(value) ? listed(value) : JSON.stringify(value);
  const short = said.length > LONGEST ? `${said.slice(0, LONGEST)}…` : said;
  return short === '' || short === 'null' ? '–' : short;
}

function listed(values: readonly unknown[]): string {
  return values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(', ');
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A row that somebody changed past the app may hold anything. */
function parse(details: string): unknown {
  try {
    return JSON.parse(details);
  } catch {
    return details;
  }
}
