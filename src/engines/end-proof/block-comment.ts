/** Follows a block comment to its end across any chunking. */
export interface BlockComment {
  /** Takes what begins one. */
  begin(): void;
  /** Reads on; gives the position after what ends it, or the end of the chunk. */
  read(chunk: Uint8Array, from: number): number;
  /** Whether its end was read. */
  readonly isOver: boolean;
  /** Its beginning, a character a byte. */
  readonly text: string;
}

const STAR = 0x2a;
const SLASH = 0x2f;
const KEPT_BYTES = 32;

export function newBlockComment(): BlockComment {
  let text = '';
  let isStarred = false;
  let isOver = false;
  return {
    begin() {
      text = '/*';
      isOver = false;
    },
    read(chunk, from) {
      let at = from;
      while (at < chunk.length && !isOver) {
        const byte = chunk[at] ?? 0;
        at += 1;
        if (text.length < KEPT_BYTES) text += String.fromCharCode(byte);
        isOver = isStarred && byte === SLASH;
        isStarred = byte === STAR;
      }
      return at;
    },
    get isOver() {
      return isOver;
    },
    get text() {
      return text;
    },
  };
}
