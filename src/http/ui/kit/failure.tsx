import type { Context } from 'hono';
import { FailurePage } from '../../../../views/failure-page.tsx';
import { toAppError } from '../../../errors.ts';
import { requestFields } from '../../../log.ts';
import type { Services } from '../../../services-port.ts';
import { toFailure } from '../../failure.ts';
import { frameOf } from './frame.ts';
import { isLivePoll } from './live-polls.ts';
import { sendPage } from './send.tsx';
import type { UiEnv } from './ui-env.ts';

const TITLES: Readonly<Record<number, string>> = {
  403: 'Not allowed',
  404: 'Not found',
  429: 'Too many requests',
  500: 'Something went wrong',
  503: 'Not available',
};

const UNEXPECTED = 'Something unexpected went wrong. The log has the details.';

/** The page for a request that failed; what nobody expected is logged, and the page says only where to look. */
export async function sendFailure(error: unknown, c: Context<UiEnv>, services: Services): Promise<Response> {
  const requestId = c.get('requestId') ?? '';
  const { status, body, headers } = toFailure(error, requestId);
  const isOurs = status === 500;
  if (status >= 500) {
    const log = isOurs ? services.log.error : services.log.warn;
    log('a page failed', { error: toAppError(error), requestId, ...requestFields(c.req, status) });
  }
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
  if (isOfGone(c, status)) return c.body(null, status, { 'HX-Refresh': 'true' });
  return sendPage(
    c,
    <FailurePage
      frame={(c.get('session')?.lacksFactor ?? true) ? null : await frameOrNull(c, services)}
      title={TITLES[status] ?? 'That did not work'}
      message={isOurs ? UNEXPECTED : body.message}
      back={cameFrom(c)}
      requestId={isOurs && requestId !== '' ? requestId : null}
    />,
    status,
  );
}

/**
 * True where an open page asks on how far something is that is gone, or that its reader may no longer see: the page is loaded again, which
 * says so. Else it would show what it saw last, as if it went on.
 */
function isOfGone(c: Context, status: number): boolean {
  const isAsked = c.req.header('hx-request') === 'true' && isLivePoll(c.req.method, c.req.path);
  return isAsked && (status === 403 || status === 404);
}

/** A failing database must not keep the failure's own page from being shown. */
async function frameOrNull(c: Context<UiEnv>, services: Services) {
  try {
    return await frameOf(c, services);
  } catch (error) {
    services.log.error('the frame of a failure page failed', { error });
    return null;
  }
}

/** The page of ours that the form was on. */
function cameFrom(c: Context): string {
  const referer = c.req.header('referer') ?? '';
  if (c.req.method !== 'POST' || !URL.canParse(referer)) return '/';
  const { host, pathname } = new URL(referer);
  return host === c.req.header('host') && !pathname.startsWith('//') ? pathname : '/';
}
