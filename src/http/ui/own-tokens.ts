import type { Services } from '../../services-port.ts';
import { type ListedToken, listTokens } from '../../tokens/tokens.ts';

/** As many as an owner may have that are not over. */
const SHOWN = 50;

/** The tokens of a user: those that open something before those that have ended, newest first; `more` of these are not shown. */
export async function ownTokens(
  { db, now }: Pick<Services, 'db' | 'now'>,
  userId: string,
): Promise<{ readonly tokens: readonly ListedToken[]; readonly more: number }> {
  const all = await listTokens(db, { ownerUserId: userId });
  const at = now().toISOString();
  const [open, ended] = [
    all.filter(({ expiresAt }) => expiresAt > at),
    all.filter(({ expiresAt }) => expiresAt <= at),
  ];
  return { tokens: [...open, ...ended].slice(0, SHOWN), more: Math.max(0, all.length - SHOWN) };
}
