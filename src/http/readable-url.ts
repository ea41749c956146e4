import { createMiddleware } from 'hono/factory';
import { AppError } from '../errors.ts';

/**
 * Refuses an address of the API whose bytes behind `%` are no text in UTF-8, which would be read as U+FFFD and look for, or be, something else.
 * A `%` that spells no byte stays the sign that it is. Throws `invalid`.
 */
export const readableUrl = createMiddleware(async (c, next) => {
  const { url } = c.req.raw;
  if (url.includes('%') && !areSpelledWell(url)) {
    throw new AppError('invalid', 'The address holds bytes that are not text in UTF-8. Encode it in UTF-8.');
  }
  await next();
});

/** Whether the bytes that a text spells as `%XX` are UTF-8. */
function areSpelledWell(text: string): boolean {
  return (text.match(/(?:%[0-9a-f]{2})+/gi) ?? []).every((bytes) => {
    try {
      decodeURIComponent(bytes);
      return true;
    } catch {
      return false;
    }
  });
}
