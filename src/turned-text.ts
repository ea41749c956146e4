/** They turn the direction of all that follows them: a name with one makes `gnp.exe` read as `exe.png`, and a sentence around it backwards. */
const TURN = String.raw`[\u202A-\u202E\u2066-\u2069]`;
const TURNS = new RegExp(TURN);
const EACH_TURN = new RegExp(TURN, 'g');
/** Tags, whose fields give back what was typed, and what is to be copied as it is; else one of those. */
const KEPT_OR_TURN = new RegExp(String.raw`<(textarea|pre)\b[\s\S]*?</\1>|<[^>]*>|${TURN}`, 'g');
const MARK = '\uFFFD';

/** The page with a mark in the place of each of them. Languages that are written from the right need none: letters say it. */
export function withoutTurns(html: string): string {
  if (!TURNS.test(html)) return html;
  return html.replaceAll(KEPT_OR_TURN, (found) => (found.startsWith('<') ? found : MARK));
}

/** Whether somebody who was asked for a name gave it: as it is, or as a page shows it. */
export function isNamed(typed: string | undefined, name: string): boolean {
  return typed !== undefined && shown(typed) === shown(name);
}

function shown(text: string): string {
  return text.replaceAll(EACH_TURN, MARK);
}
