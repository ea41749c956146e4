import { eachAtOnce } from '../at-once.ts';
import type { Channel } from '../channels/channel.ts';
import type { PingRow, PingTargetRow } from '../db/schema.ts';
import { isAppError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Log } from '../log.ts';
import type { VaultContext } from '../secrets/context.ts';
import { SEALED } from '../secrets/sealed.ts';
import { messageOf, uuidOf, type Verdict, verdictOf } from './message.ts';
import { listDuePings, putOff, settlePing, takePing } from './waiting-pings.ts';

export interface PingContext extends VaultContext {
  readonly channel: Channel;
}

export interface SendContext extends PingContext {
  readonly log: Log;
}

const AT_ONCE = 8;

/**
 * Sends what is due, of each database in its order, of several at once. A host that can't be reached is asked once in a round,
 * so that many databases that tell it do not keep the others waiting. What fails for one keeps nobody from theirs.
 */
export async function sendDuePings(context: SendContext, signal: AbortSignal): Promise<void> {
  const { db, now, log } = context;
  const round: Round = { claimedBy: newId(), away: new Set() };
  await eachAtOnce(await listDuePings(db, now()), AT_ONCE, async (databaseId) => {
    try {
      while (!signal.aborted && (await sendNext(context, databaseId, round, signal))) {
        // The next of that database.
      }
    } catch (error) {
      if (!signal.aborted) log.error('the pings of a database could not be sent', { databaseId, error });
    }
  });
}

interface Round {
  readonly claimedBy: string;
  /** Hosts that could not be reached in this round. */
  readonly away: Set<string>;
}

/** False where none of that database is to be sent any more in this round. */
async function sendNext(
  context: SendContext,
  databaseId: string,
  { claimedBy, away }: Round,
  signal: AbortSignal,
): Promise<boolean> {
  const { db, now, log } = context;
  const ping = await takePing(db, databaseId, claimedBy, now());
  if (ping === undefined) return false;
  const target = await db
    .selectFrom('ping_targets')
    .selectAll()
    .where('id', '=', databaseId)
    .executeTakeFirst();
  if (target === undefined) return false;
  if (away.has(target.host)) {
    await putOff(db, ping, claimedBy, now());
    return false;
  }
  const { verdict, hasAnswered } = await sendPing(context, target, { ...ping, runId: ping.run_id }, signal);
  if (!hasAnswered) away.add(target.host);
  const settled = await settlePing(db, ping, claimedBy, verdict, now());
  if (settled === 'given-up' && !verdict.isOk) {
    log.warn('a ping was given up', { databaseId, kind: ping.kind, reason: verdict.reason });
  }
  return settled !== 'again';
}

/** Sends one now. Throws for the signal alone. */
export async function sendPing(
  { channel, vault }: PingContext,
  target: PingTargetRow,
  ping: { readonly kind: PingRow['kind'] | 'test'; readonly runId: string; readonly body: string },
  signal: AbortSignal,
): Promise<{ readonly verdict: Verdict; readonly hasAnswered: boolean }> {
  let url: string;
  try {
    url = await vault.open(target.url, SEALED.pingUrl.identity(target.id));
  } catch (error) {
    if (!isAppError(error, 'secret_unreadable')) throw error;
    // Nothing is wrong with the host.
    return { verdict: { isOk: false, reason: error.message, mayPass: true }, hasAnswered: true };
  }
  const uuid = await uuidOf(ping.runId);
  const message = messageOf({ url, protocol: target.protocol }, { ...ping, uuid });
  if (message === null) return { verdict: { isOk: true }, hasAnswered: true };
  const sent = await channel.send(message, signal);
  return { verdict: verdictOf(target.host, sent), hasAnswered: 'answer' in sent || !sent.failure.mayPass };
}
