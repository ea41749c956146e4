import { createMiddleware } from 'hono/factory';
import { setHeaders } from '../../set-headers.ts';

/** Everything from our own origin, nothing inline; Pico draws its icons with data: images. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  // Not no-referrer: browsers would then send `Origin: null` with our own forms, and the same-origin check refuse them.
  'Referrer-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
} as const;

/** The headers of every page and fragment, failures too. */
export const securityHeaders = createMiddleware(async (c, next) => {
  await next();
  setHeaders(c, HEADERS);
  // Its address holds what a provider gave to this browser alone.
  if (c.req.path === '/login/oidc/callback') setHeaders(c, { 'Referrer-Policy': 'no-referrer' });
});
