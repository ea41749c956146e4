import * as z from 'zod';

/* What the variables of the environment may hold: schemas that take the text as it was set. */

export const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `15m`, `7d`: milliseconds, at most ten years. */
export const duration = z.string().transform((text, context) => {
  const match = /^(\d{1,12})(ms|s|m|h|d)$/.exec(text.trim());
  const unit = match?.[2] as keyof typeof UNIT_MS | undefined;
  const milliseconds = unit === undefined ? 0 : Number(match?.[1]) * UNIT_MS[unit];
  if (milliseconds >= 1 && milliseconds <= 3650 * UNIT_MS.d) return milliseconds;
  context.addIssue({ code: 'custom', message: 'not a duration' });
  return z.NEVER;
});

export const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,10}$/)
    .transform(Number)
    .refine((value) => value >= least && value <= most);

export const flag = z.enum(['0', '1', 'false', 'true']).transform((text) => text === '1' || text === 'true');

export const list = z.string().transform((text) =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== ''),
);

export const origin = z.string().transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isOrigin = url !== null && ['http:', 'https:'].includes(url.protocol) && url.pathname === '/';
  if (isOrigin && url.search === '' && url.hash === '' && url.username === '') return url.origin;
  context.addIssue({ code: 'custom', message: 'not an origin' });
  return z.NEVER;
});

/** As other programs read it: the scheme may be left out, and user and password may be percent-encoded. */
export const proxy = z.string().transform((text, context) => {
  const typed = text.trim();
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(typed) ? typed : `http://${typed}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : null;
  const isProxy = url !== null && ['http:', 'https:'].includes(url.protocol) && url.hostname !== '';
  if (isProxy && isEncoded(url.username) && isEncoded(url.password)) return url.href;
  context.addIssue({ code: 'custom', message: 'not a proxy' });
  return z.NEVER;
});

/** What pg's own reading of it would refuse, which would quote it: it may hold a password. */
export const postgresUrl = z.string().transform((text, context) => {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : null;
  const isOurs =
    url !== null && ['postgres:', 'postgresql:'].includes(url.protocol) && url.pathname.length > 1;
  const hasHost = isOurs && (url.hostname !== '' || url.searchParams.has('host'));
  if (hasHost && [url.username, url.password, url.hostname, url.pathname].every(isEncoded))
    return text.trim();
  context.addIssue({ code: 'custom', message: 'not a database' });
  return z.NEVER;
});

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

export const masterKey = z.string().transform((text, context) => {
  // The pattern first: the decoder skips what it does not know, and a mistyped key would silently be another key.
  if (/^[A-Za-z0-9+/]{43}=$/.test(text.trim()))
    return Uint8Array.from(atob(text.trim()), (sign) => sign.charCodeAt(0));
  context.addIssue({ code: 'custom', message: 'not a key' });
  return z.NEVER;
});

export const absent = <T>(schema: z.ZodType<T, string>) =>
  schema.optional().transform((value): T | null => value ?? null);
