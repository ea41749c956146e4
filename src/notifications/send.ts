import type { Channel } from '../channels/channel.ts';
import type { Log } from '../log.ts';
import type { Taken } from './deliveries.ts';
import type { Outcome } from './outcome.ts';
import type { MailContext } from './smtp-settings.ts';

export interface DeliverContext extends MailContext {
  readonly channel: Channel;
  readonly log: Log;
}

/** Sends one; what did not answer is asked once in a round. Throws `secret_unreadable`, and for the signal. */
export type Send = (
  context: DeliverContext,
  taken: Taken,
  signal: AbortSignal,
) => Promise<{ readonly outcome: Outcome; readonly hasAnswered: boolean }>;

export interface Sender {
  /** Who does not answer there is asked once in a round; null: that is the recipient alone. Throws `secret_unreadable`. */
  host(context: DeliverContext, taken: Taken): Promise<string | null>;
  readonly send: Send;
}
