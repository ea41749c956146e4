/** Turn the direction of all that follows them: a name with one makes `gnp.exe` read as `exe.png`, and a sentence around it backwards. */
const TURNS = /[\u202A-\u202E\u2066-\u2069]/;
/** Tags, whose fields give back what was typed, and what is to be copied as it is; else one of those. */
const KEPT_OR_TURN = /<(textarea|pre)\b[\s\S]*?<\/\1>|<[^>]*>|[\u202A-\u202E\u2066-\u2069]/g;

/** The page with a mark in the place of each of them. Languages that are written from the right need none: letters say it. */
export function withoutTurns(html: string): string {
  if (!TURNS.test(html)) return html;
  return html.replaceAll(KEPT_OR_TURN, (found) => (found.startsWith('<') ? found : '\uFFFD'));
}
