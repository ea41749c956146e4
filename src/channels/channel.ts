/** A small message to an address that a person typed: a ping, a webhook, one of a chat. */
export interface Message {
  /** http or https. A secret: it may hold a token. */
  readonly url: string;
  readonly method: 'GET' | 'POST';
  /** Plain text unless a header says otherwise; null: none. */
  readonly body: string | null;
  /** By lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  /** The first 4 KiB of what came back. To be compared with what is expected, never shown: nobody knows what it holds. */
  readonly text: string;
}

/** Why no answer came, in a sentence without the address's path, and whether trying again may help. */
export interface NotSent {
  readonly reason: string;
  readonly mayPass: boolean;
}

export type Sent = { readonly answer: Answer } | { readonly failure: NotSent };

/**
 * Sends messages, only to addresses that `address-guard.ts` lets through: the one that is connected to is the one that was
 * judged. Redirects are not followed: they are answers. Never throws but for the signal.
 */
export interface Channel {
  send(message: Message, signal: AbortSignal): Promise<Sent>;
}
