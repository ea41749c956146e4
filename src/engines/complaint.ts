/** What the tools of a database complained about on stderr, under LC_ALL=C; a server may use its own language. */
export interface Complaint {
  /** The complaint that tells the cause, without statements and SQLSTATE; all of it where nothing looks like a complaint. */
  readonly text: string;
  /** The same without details, hints and contexts of a server: they may hold the values of a row. */
  readonly message: string;
  /** The error number that MySQL's tools write beside the server's words. */
  readonly number: number | null;
  /** The SQLSTATE that psql writes before them where it is told to, as ours is; pg_dump and pg_restore write none. */
  readonly state: string | null;
  /** The text as one line of sentences, without the names of programs, of at most 1,000 characters; or empty. */
  readonly words: string;
}

const PROGRAM = String.raw`[\w./-]*(?:pg_dump|pg_restore|psql|mariadb-dump|mysqldump|mariadb|mysql|sqlite3)`;
/** `FEHLER:  42501: …`, as psql prints what a server says in whatever language, notices as well as errors. */
const WITH_STATE =
  /^((?:psql:\S+:\d+: )?(?!NOTICE|WARNING|INFO|LOG|DEBUG)[\p{L}\p{M}]+: ) (?!0[012])([0-9A-Z]{5}): /u;
/** What a server or one of ours says for certain, before what a client makes of it. */
const BY_SERVER = /(?:^|[\s:])(?:ERROR|FATAL|PANIC)(?::| \d+ \()/;
const BY_OURS = /^bridgeport: /;
/** What psql prints last of all that a server says, where it tells the SQLSTATE. */
const LOCATION = /^LOCATION: {2}/;
/** Begins no complaint. */
const DETAIL = /^(?:DETAIL|HINT|QUERY|CONTEXT): /;
/** Of these psql's are no part, though it may have said something before. */
const OTHER_PROGRAM = /^[\w./-]*(?:pg_dump|pg_restore): /;
const BEGINS = new RegExp(
  `${BY_OURS.source}|${BY_SERVER.source}|${WITH_STATE.source}|^${PROGRAM}: (?!detail: |hint: |warning: |\\[Warning\\]|Deprecated)|^(?:[A-Z][a-z]+ )?[Ee]rror\\b`,
  'u',
);
const CONTINUES = new RegExp(`^${PROGRAM}: (?:(?:detail|hint): |Error message from server: )`);
/** A statement of the tool or in the server, to the next line that begins in one of the other ways: never the cause. */
const STATEMENT = new RegExp(
  `^(?:${PROGRAM}: (?:error: |detail: |\\[[^\\]]*\\] )?(?:The )?(?:[Cc]ommand|[Qq]uery) was: |(?:STATEMENT|QUERY|CONTEXT|LOCATION|LINE \\d+|(?:SCHEMA|TABLE|COLUMN|DATATYPE|CONSTRAINT) NAME): )`,
);
const AFTER_STATEMENT = new RegExp(
  `^(?:${PROGRAM}: |bridgeport: |(?:ERROR|FATAL|PANIC|DETAIL|HINT|WARNING|NOTICE): )|${WITH_STATE.source}`,
  'u',
);
/** Where the beginning and the end of a long stderr were kept only. */
const GAP = '[…]';
/** What a script of ours adds for the explanation. */
const NOTE = 'bridgeport-note: ';
const MOST_WORDS = 1_000;

/**
 * Of several complaints, one of our own scripts counts first, then the first in which the server speaks (a name with
 * two addresses is tried at both, and only one may answer), then the first of all: what follows it are its
 * consequences, and the last line is nearly always the statement. Of those with an SQLSTATE alone it is the last: psql ends with the first
 * error, and what came before it were notices, some of which have a state of an error (measured: `schema already exists, skipping`).
 */
export function readComplaint(stderr: string): Complaint {
  const lines = withoutStatements(stderr.split('\n'));
  const complaints = complaintsOf(lines);
  const cause =
    complaints.find(([line = '']) => BY_OURS.test(line)) ??
    causeWithState(complaints) ??
    complaints.find((all) => all.some((line) => BY_SERVER.test(line) && !DETAIL.test(line))) ??
    complaints[0] ??
    lines;
  const said = cause.map((line) => line.replace(WITH_STATE, '$1 '));
  const text = said.join('\n').trim();
  const detail = said.findIndex((line) => DETAIL.test(line));
  const message = said
    .slice(0, detail < 0 ? said.length : detail)
    .join('\n')
    .trim();
  return { text, message, number: numberIn(text), state: stateIn(cause), words: wordsOf(said) };
}

function causeWithState(complaints: readonly (readonly string[])[]): readonly string[] | undefined {
  const last = complaints.findLastIndex(([line = '']) => WITH_STATE.test(line));
  const isFollowed = complaints.slice(last + 1).some(([line = '']) => OTHER_PROGRAM.test(line));
  return isFollowed ? undefined : complaints[last];
}

/** A gap stands for where a server has ended. */
function withoutStatements(all: readonly string[]): readonly string[] {
  let isStatement = false;
  const lines = all.flatMap((line) => (LOCATION.test(line) ? [GAP, line] : [line]));
  return lines.filter((line) => {
    if (line === GAP) return true;
    if (STATEMENT.test(line)) isStatement = true;
    else if (AFTER_STATEMENT.test(line)) isStatement = false;
    return !isStatement && !line.startsWith(NOTE);
  });
}

function complaintsOf(lines: readonly string[]): readonly (readonly string[])[] {
  const complaints: string[][] = [];
  let current: string[] | null = null;
  for (const line of lines) {
    if (line === GAP) current = null;
    else if (BEGINS.test(line) && !DETAIL.test(line) && !(current && continues(current, line))) {
      current = [line];
      complaints.push(current);
    } else current?.push(line);
  }
  return complaints;
}

/** Words of our scripts are the server's own where it has not ended: a message may have several lines. */
function continues(complaint: readonly string[], line: string): boolean {
  if (!BY_OURS.test(line)) return CONTINUES.test(line);
  return complaint.some((said) => !DETAIL.test(said) && (BY_SERVER.test(said) || WITH_STATE.test(said)));
}

/** `ERROR 1045 (28000)`, `Got error: 1045:`, `Error 2013:`, or `(1356)` after the server's words. */
function numberIn(text: string): number | null {
  const [, begun] = /^(?:[\w./-]+: )?(?:ERROR|Got error:|Error) (\d+)(?: \(|:)/.exec(text) ?? [];
  const [, ended] = /\((\d+)\)$/m.exec(text) ?? [];
  const number = begun ?? ended;
  return number === undefined ? null : Number(number);
}

function stateIn(lines: readonly string[]): string | null {
  return lines.map((line) => WITH_STATE.exec(line)?.[2]).find((state) => state !== undefined) ?? null;
}

const PROGRAM_NAME = new RegExp(`^${PROGRAM}: (?:(?:error|fatal|detail|hint): )?`);

function wordsOf(lines: readonly string[]): string {
  const sentences = lines
    .map((line) => line.replace(PROGRAM_NAME, '').replaceAll(/\s+/g, ' ').trim())
    .filter((line) => line !== '' && line !== GAP)
    .map((line) => (/[.:;?!]$/.test(line) ? line : `${line}.`));
  const words = sentences.join(' ');
  if (words.length <= MOST_WORDS) return words;
  return `${words.slice(0, MOST_WORDS - 305)} […] ${words.slice(-300)}`.toWellFormed();
}
