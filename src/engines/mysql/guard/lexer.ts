/** How the server reads quotes by its sql_mode; null where nobody can know, such as before the dump sets one. */
export interface QuoteRules {
  /** NO_BACKSLASH_ESCAPES: a backslash is a letter. */
  readonly hasPlainBackslash: boolean;
  /** ANSI_QUOTES: `"` quotes names. */
  readonly quotesNames: boolean;
}

export type TokenKind = 'word' | 'name' | 'string' | 'mark';

/** What follows a dump's statements; each of its functions throws for what must not be sent. */
export interface TokenReader {
  /** Text is of one character a byte; a word of more than 256 and a text of more than 1,024 bytes are cut. */
  token(kind: TokenKind, text: string): void;
  /** A comment begins that servers read as SQL: some of them, or each that is in use. */
  openVersion(isForSome: boolean): void;
  closeVersion(isForSome: boolean): void;
  /** The client sends what came since the last one as a statement. */
  end(): void;
  /** Whether the quoted name that begins is to be blanked out of the dump, byte for byte. */
  isNameBlanked(): boolean;
  /** Whether an ENABLE that begins is to be sent as DISABLE. */
  isEnabled(): boolean;
  quoteRules(): QuoteRules | null;
  /** The error of bytes that mean one thing to the client or one server, and another to the next. */
  refusal(what: string): Error;
}

const [NEWLINE, BACKSLASH, SLASH, STAR, DASH, HASH] = [0x0a, 0x5c, 0x2f, 0x2a, 0x2d, 0x23];
const [SEMICOLON, APOSTROPHE, QUOTATION, BACKTICK] = [0x3b, 0x27, 0x22, 0x60];
const [BANG, LETTER_M, BLANK] = [0x21, 0x4d, 0x20];
const [LETTER_E, BIT_OF_CASE] = [0x65, 0x20];
const SWITCHED_OFF = new TextEncoder().encode('DISABLE');
/** The longest name, in UTF-8. */
const WORD_BYTES = 256;
const TEXT_BYTES = 1024;
/** Servers that are older than 5.7 are in no use; MariaDB reads none of 5.7 to 9.99 (its documentation, "Comment syntax"). */
const READ_BY_ALL_BEFORE = 50_700;
/** Keeps client commands in the dump from running, in MariaDB's own client. */
const SANDBOX = '\\- enable the sandbox mode */';

/** 1: of a word, 2: space. */
const KINDS = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (/[A-Za-z0-9_$]/.test(String.fromCharCode(byte)) || byte >= 0x80) return 1;
  return byte <= 0x20 ? 2 : 0;
});

type State =
  | 'code'
  | 'word'
  | 'quoted'
  | 'escaped'
  | 'closed'
  | 'dash'
  | 'dashes'
  | 'slash'
  | 'opened'
  | 'opened-m'
  | 'version'
  | 'star'
  | 'line'
  | 'block'
  | 'sandbox'
  | 'delimiter';

/**
 * Splits a dump of MySQL or MariaDB into the statements that their client sends, in constant memory and across any chunking,
 * as client and servers read it alike; names that the reader wants blanked are blanked in the chunks themselves, and what is
 * sent instead of a chunk is longer by DISABLE where that stands for an ENABLE, which is blanked. Where they differ (a comment for some versions that holds a quote, a quote before the
 * sql_mode is known), it refuses.
 */
export function newDumpLexer(reader: TokenReader): { observe(chunk: Uint8Array): Uint8Array } {
  let state: State = 'code';
  let delimiterBytes = 1;
  let semicolons = 0;
  let isLineStart = true;
  let isFirst = true;
  /** Nothing of the present statement has come. */
  let isEmpty = true;
  let text = '';
  let quote = 0;
  let isBlanked = false;
  /** The word that is read is an ENABLE, or the reader will refuse it. */
  let isSwitchedOff = false;
  let wordAtLineStart = false;
  let previous = 0;
  /** Within a comment that is SQL. */
  let version: { readonly isForSome: boolean } | null = null;

  const emit = (kind: TokenKind, value: string): void => {
    isEmpty = false;
    isFirst = false;
    reader.token(kind, value);
  };

  const readCode = (byte: number): void => {
    if (byte === SEMICOLON) {
      readSemicolon();
      return;
    }
    for (; semicolons > 0; semicolons -= 1) emit('mark', ';');
    const startsLine = isLineStart;
    isLineStart = byte === NEWLINE;
    if (KINDS[byte] === 2) return;
    if (KINDS[byte] === 1) {
      wordAtLineStart = startsLine;
      text = String.fromCharCode(byte);
      state = 'word';
      isSwitchedOff = (byte | BIT_OF_CASE) === LETTER_E && reader.isEnabled();
      return;
    }
    switch (byte) {
      case APOSTROPHE:
      case QUOTATION:
      case BACKTICK:
        if (byte === QUOTATION && reader.quoteRules() === null)
          throw reader.refusal('a double quote before its sql_mode');
        quote = byte;
        isBlanked = isName(byte) && reader.isNameBlanked();
        text = '';
        previous = 0;
        state = 'quoted';
        return;
      case DASH:
        state = 'dash';
        return;
      case SLASH:
        state = 'slash';
        return;
      case STAR:
        if (version !== null) state = 'star';
        else emit('mark', '*');
        return;
      case HASH:
        beginLine();
        return;
      case BACKSLASH:
        throw reader.refusal('a command of the client program');
      default:
        emit('mark', String.fromCharCode(byte));
    }
  };

  const readSemicolon = (): void => {
    isLineStart = false;
    semicolons += 1;
    if (semicolons < delimiterBytes) return;
    semicolons = 0;
    if (version !== null) throw reader.refusal('a statement that ends within a comment');
    isEmpty = true;
    isFirst = false;
    reader.end();
  };

  const beginLine = (): void => {
    if (version?.isForSome) throw reader.refusal('a comment within one for some versions');
    state = 'line';
  };

  const endWord = (): void => {
    state = 'code';
    if (isEmpty && text.toUpperCase() === 'DELIMITER') {
      if (!wordAtLineStart || version !== null)
        throw reader.refusal('a DELIMITER that does not begin its line');
      text = '';
      state = 'delimiter';
      return;
    }
    emit('word', text);
  };

  /** Only as the dump tools write it. */
  const readDelimiter = (byte: number): void => {
    if (byte !== NEWLINE) {
      if (text.length > WORD_BYTES) throw reader.refusal('a DELIMITER that is not one');
      text += String.fromCharCode(byte);
      return;
    }
    if (!/^ ;+\r?$/.test(text)) throw reader.refusal('a DELIMITER that is not one');
    delimiterBytes = text.trim().length;
    state = 'code';
    isLineStart = true;
  };

  const readVersion = (byte: number): void => {
    if (byte >= 0x30 && byte <= 0x39 && text.length < 7) {
      text += String.fromCharCode(byte);
      return;
    }
    const digits = text.slice(1);
    if (digits === '999999' && byte === BACKSLASH && isFirst) {
      text = '\\';
      state = 'sandbox';
      return;
    }
    if (![0, 5, 6].includes(digits.length)) throw reader.refusal('a comment for no version');
    const isForSome = text.startsWith('M') || Number(digits) >= READ_BY_ALL_BEFORE;
    version = { isForSome };
    isEmpty = false;
    isFirst = false;
    state = 'code';
    reader.openVersion(isForSome);
    step(byte);
  };

  const readSandbox = (byte: number): void => {
    text += String.fromCharCode(byte);
    if (!SANDBOX.startsWith(text)) throw reader.refusal('a command of the client program');
    if (text !== SANDBOX) return;
    isFirst = false;
    state = 'code';
  };

  const open = (byte: number): void => {
    if (byte === BANG || (state === 'opened' && byte === LETTER_M)) {
      if (version !== null) throw reader.refusal('a comment for some versions within another');
      text = state === 'opened-m' ? 'M' : '-';
      state = byte === BANG ? 'version' : 'opened-m';
      return;
    }
    if (version?.isForSome) throw reader.refusal('a comment within one for some versions');
    previous = 0;
    state = 'block';
    step(byte);
  };

  const closeVersion = (): void => {
    const isForSome = version?.isForSome ?? false;
    version = null;
    state = 'code';
    reader.closeVersion(isForSome);
  };

  /** One byte in a state in which each counts. */
  const step = (byte: number): void => {
    switch (state) {
      case 'code':
        readCode(byte);
        return;
      case 'escaped':
        keep(byte);
        state = 'quoted';
        return;
      case 'closed':
        if (byte === quote) {
          keep(byte);
          state = 'quoted';
          return;
        }
        state = 'code';
        emit(isName(quote) ? 'name' : 'string', text);
        readCode(byte);
        return;
      case 'dash':
        if (byte === DASH) {
          state = 'dashes';
          return;
        }
        state = 'code';
        emit('mark', '-');
        readCode(byte);
        return;
      case 'dashes':
        if (KINDS[byte] === 2) {
          beginLine();
          if (byte === NEWLINE) endLine();
          return;
        }
        state = 'code';
        emit('mark', '-');
        emit('mark', '-');
        readCode(byte);
        return;
      case 'slash':
        if (byte === STAR) {
          state = 'opened';
          return;
        }
        state = 'code';
        emit('mark', '/');
        readCode(byte);
        return;
      case 'star':
        if (byte === SLASH) {
          closeVersion();
          return;
        }
        state = 'code';
        emit('mark', '*');
        readCode(byte);
        return;
      case 'opened':
      case 'opened-m':
        open(byte);
        return;
      case 'version':
        readVersion(byte);
        return;
      case 'sandbox':
        readSandbox(byte);
        return;
      case 'delimiter':
        readDelimiter(byte);
        return;
      default:
        if (previous === STAR && byte === SLASH) state = 'code';
        previous = byte;
    }
  };

  const isName = (byte: number): boolean =>
    byte === BACKTICK || (byte === QUOTATION && (reader.quoteRules()?.quotesNames ?? false));

  const isQuoted = () => state === 'quoted';
  const isWord = () => state === 'word';

  const keep = (byte: number): void => {
    if (text.length < TEXT_BYTES) text += String.fromCharCode(byte);
  };

  const endLine = (): void => {
    state = 'code';
    isLineStart = true;
  };

  const readQuoted = (chunk: Uint8Array, from: number): number => {
    const rules = reader.quoteRules();
    const escapes = !isName(quote) && !rules?.hasPlainBackslash;
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (byte === quote) {
        state = 'closed';
        return at + 1;
      }
      if (byte === BACKSLASH && escapes) {
        if (rules === null) throw reader.refusal('a backslash in a text before its sql_mode');
        state = 'escaped';
        previous = 0;
        return at + 1;
      }
      if (version?.isForSome) {
        if (byte === SLASH && previous === STAR)
          throw reader.refusal('the end of a comment within its quotes');
        previous = byte;
      }
      if (text.length < TEXT_BYTES) text += String.fromCharCode(byte);
    }
    return chunk.length;
  };

  const readWord = (chunk: Uint8Array, from: number): number => {
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (KINDS[byte] !== 1) {
        endWord();
        return at;
      }
      if (text.length < WORD_BYTES) text += String.fromCharCode(byte);
    }
    return chunk.length;
  };

  return {
    observe(given) {
      const before: Uint8Array[] = [];
      let from = 0;
      let chunk = given;
      // In a copy, made with the first: others look at what was given, too.
      const blank = (start: number, end: number): void => {
        if (chunk === given) chunk = new Uint8Array(given);
        chunk.fill(BLANK, start, end);
      };
      for (let at = 0; at < chunk.length; ) {
        if (state === 'quoted') {
          const end = readQuoted(chunk, at);
          if (isBlanked) blank(at, end);
          at = end;
        } else if (state === 'word') {
          const end = readWord(chunk, at);
          if (isSwitchedOff) blank(at, end);
          at = end;
        } else if (state === 'line') {
          const newline = chunk.indexOf(NEWLINE, at);
          if (newline < 0) break;
          endLine();
          at = newline + 1;
        } else {
          step(chunk[at] ?? 0);
          // The first quote of a name, or one that is doubled in it.
          if (isBlanked && isQuoted()) blank(at, at + 1);
          if (isSwitchedOff && isWord()) {
            before.push(chunk.subarray(from, at), SWITCHED_OFF);
            from = at;
            blank(at, at + 1);
          }
          at += 1;
        }
      }
      return before.length === 0 ? chunk : joined([...before, chunk.subarray(from)]);
    },
  };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
