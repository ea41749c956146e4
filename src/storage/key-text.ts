import * as z from 'zod';

const NAMES: Readonly<Record<number, string>> = {
  160: 'a no-break space',
  173: 'a soft hyphen',
  8203: 'a zero width space',
  8204: 'a zero width non-joiner',
  8205: 'a zero width joiner',
  8206: 'a left-to-right mark',
  8207: 'a right-to-left mark',
  8232: 'a line separator',
  8288: 'a word joiner',
  65279: 'a byte order mark',
};

/**
 * Text that goes into a header or takes part in a signature. Blanks and line breaks at its ends are cut, as they come
 * along with what is pasted; what can't be seen, or what no header can carry, is refused by name.
 */
export const keyText = (what: string, most: number) =>
  z
    .string()
    .transform((text) => text.trim())
    .superRefine((text, context) => {
      const bad = [...text].find(isUnusable);
      if (text.length > most) {
        context.addIssue({ code: 'custom', message: `Must have at most ${most} characters` });
      } else if (bad !== undefined) {
        context.addIssue({
          code: 'custom',
          message: `The ${what} holds ${nameOf(bad)}, which no ${what} has: it came along with what was pasted. Enter it again without it.`,
        });
      }
    });

/** The same for what may hold letters of any language, as host names do: only what can't be seen is refused. */
export function refuseInvisible(what: string) {
  return (text: string, context: z.RefinementCtx): void => {
    const bad = [...text.trim()].find(isInvisible);
    if (bad === undefined) return;
    const message = `The ${what} holds ${nameOf(bad)}, which can't be seen: it came along with what was pasted. Enter it again without it.`;
    context.addIssue({ code: 'custom', message });
  };
}

const isUnusable = (character: string) => isInvisible(character) || (character.codePointAt(0) ?? 0) > 0xff;

function isInvisible(character: string): boolean {
  return (
    /^[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]$/u.test(character) ||
    (/^\p{Zs}$/u.test(character) && character !== ' ')
  );
}

function nameOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const point = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  const name = NAMES[code];
  return name === undefined ? `the character ${point}` : `${name} (${point})`;
}
