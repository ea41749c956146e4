/** Text whose secrets are blanked out as it comes; what may be the beginning of one is held back. */
export interface BlankedText {
  /** Gives what of the text so far is sure, after what was given before. */
  push(text: string): string;
  /** What `push` holds back. More may be pushed after it. */
  rest(): string;
}

/** Replaces every form of the secrets that a tool may print by `***`: as it is, line by line, in base64, in a URL. */
export function blankSecrets(secrets: readonly string[]): BlankedText {
  const forms = [...new Set(secrets.flatMap(formsOf))].filter((form) => form.length > 0);
  const margin = Math.max(0, ...forms.map((form) => form.length - 1));
  // From `given` on not given out yet; before it what a secret may have begun in.
  let held = '';
  let given = 0;
  let endsBlanked = false;
  const give = (end: number): { text: string; endsBlanked: boolean } => {
    let text = '';
    let at = given;
    let wasBlanked = endsBlanked;
    for (const [start, stop] of coveredBy(forms, held)) {
      if (stop <= at) continue;
      if (start >= end) break;
      if (start > at) {
        text += held.slice(at, start);
        wasBlanked = false;
      }
      if (!wasBlanked) text += '***';
      wasBlanked = true;
      at = Math.min(stop, end);
    }
    if (at < end) wasBlanked = false;
    return { text: text + held.slice(at, end), endsBlanked: wasBlanked };
  };
  return {
    push(more) {
      held += more;
      const end = Math.max(given, held.length - margin);
      const out = give(end);
      endsBlanked = out.endsBlanked;
      const forgotten = Math.max(0, end - margin);
      held = held.slice(forgotten);
      given = end - forgotten;
      return out.text;
    },
    rest: () => give(held.length).text,
  };
}

/** Where the forms stand in the text, from left to right; those that touch or overlap are one. */
function coveredBy(forms: readonly string[], text: string): readonly (readonly [number, number])[] {
  const found: [number, number][] = [];
  for (const form of forms) {
    for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + 1)) {
      found.push([at, at + form.length]);
    }
  }
  found.sort(([a], [b]) => a - b);
  const merged: [number, number][] = [];
  for (const [start, stop] of found) {
    const last = merged.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], stop);
    else merged.push([start, stop]);
  }
  return merged;
}

function formsOf(secret: string): string[] {
  const lines = secret.split('\n').filter((line) => line.length >= 8);
  return [secret, ...lines, Buffer.from(secret).toString('base64'), encodeURIComponent(secret)];
}
