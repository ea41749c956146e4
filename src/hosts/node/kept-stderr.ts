import { type BlankedText, blankSecrets } from './blank-secrets.ts';

export interface KeptStderr {
  observe(chunk: Uint8Array): void;
  /** What was kept so far, at most 8 Ki characters. */
  text(): string;
}

/** A line longer than both together loses its middle: pg_dump names every table of a database in one. */
const LINE = { first: 700, last: 300 };
/** From the start of a line alone: each letter of many short lines would be tried otherwise, with all up to the line's end. */
const LONG_LINE = new RegExp(`^[^\\n]{${LINE.first + LINE.last + 1},}`, 'gm');
const CUT = ' […] ';
const GAP = '\n[…]\n';
const KEEP = { first: 2_048, complaint: 1_024, last: 5_100 };
const COMPLAINT = /^.*\b(?:error|fatal|panic)\b/im;

/**
 * Keeps of stderr what tells why a command failed: its first 2 KiB, 1 KiB from the first line that speaks of an error,
 * and its last 5 KiB, with a mark where something is left out. The cause stands at the beginning as a rule, and what
 * follows it may be of any length. Every form of the secrets that a tool may print is replaced by `***`.
 */
export function keepStderr(secrets: readonly string[]): KeptStderr {
  const decoder = new TextDecoder();
  const blanked = blankSecrets(secrets);
  const kept: Kept = { first: '', complaint: null, last: '', length: 0, open: '' };
  return {
    observe(chunk) {
      addText(kept, blanked.push(decoder.decode(chunk, { stream: true })));
    },
    text: () => read(kept, blanked),
  };
}

/** At most 1,000 characters of a text: its beginning and its end. */
export function inBrief(text: string): string {
  if (text.length <= LINE.first + LINE.last) return text;
  return text.slice(0, LINE.first) + CUT + text.slice(CUT.length - LINE.last);
}

interface Kept {
  /** Of whole lines, long ones shortened. */
  first: string;
  complaint: { readonly at: number; text: string } | null;
  last: string;
  /** Characters of the lines so far, of which `last` are the last. */
  length: number;
  /** The line that has no end yet. */
  open: string;
}

function addText(kept: Kept, text: string): void {
  const all = kept.open + text;
  const end = all.lastIndexOf('\n') + 1;
  kept.open = shorten(all.slice(end));
  addLines(kept, shorten(all.slice(0, end)));
}

function addLines(kept: Kept, lines: string): void {
  if (kept.first.length < KEEP.first) kept.first = (kept.first + lines).slice(0, KEEP.first);
  if (kept.complaint === null) {
    const at = lines.search(COMPLAINT);
    if (at >= 0) kept.complaint = { at: kept.length + at, text: lines.slice(at, at + KEEP.complaint) };
  } else if (kept.complaint.text.length < KEEP.complaint) {
    kept.complaint.text = (kept.complaint.text + lines).slice(0, KEEP.complaint);
  }
  kept.last = (kept.last + lines).slice(-KEEP.last);
  kept.length += lines.length;
}

/** Once more of a shortened line gives the same, so that a line may come in any number of chunks. */
function shorten(lines: string): string {
  return lines.replace(LONG_LINE, inBrief);
}

function read(kept: Kept, blanked: BlankedText): string {
  const whole: Kept = { ...kept, complaint: kept.complaint && { ...kept.complaint } };
  addText(whole, blanked.rest());
  addLines(whole, whole.open);
  const pieces = [
    { at: 0, text: whole.first },
    ...(whole.complaint === null ? [] : [whole.complaint]),
    { at: whole.length - whole.last.length, text: whole.last },
  ];
  let text = '';
  let end = 0;
  for (const piece of pieces) {
    if (piece.at > end) text += GAP;
    text += piece.text.slice(Math.max(0, end - piece.at));
    end = Math.max(end, piece.at + piece.text.length);
  }
  // A pair of surrogates may have been cut in two.
  return text.toWellFormed();
}
