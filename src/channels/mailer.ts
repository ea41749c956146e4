/** By which server mail goes out, and how. */
export interface MailServer {
  readonly host: string;
  readonly port: number;
  /** `tls` from the first byte, `starttls` before anything is said, `none`: in the clear. */
  readonly security: 'tls' | 'starttls' | 'none';
  /** Null: it is sent without signing in. */
  readonly login: { readonly username: string; readonly password: string } | null;
  /** The address that it comes from. */
  readonly sender: string;
}

export interface Mail {
  /** One address. */
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** Of the message, so that a mail program knows one that was sent twice. */
  readonly id: string;
}

/** Why it was not taken, for people; never a password. */
export interface MailRefused {
  readonly reason: string;
  /** Trying again may help. */
  readonly mayPass: boolean;
  /** It is about that recipient: others may be sent to. */
  readonly isRecipient: boolean;
}

export type MailSent =
  | { readonly isTaken: true }
  | { readonly isTaken: false; readonly refused: MailRefused };

/** Sends mail, within a time whatever the server does. The certificate of a server is checked. Never throws but for the signal. */
export interface Mailer {
  send(server: MailServer, mail: Mail, signal: AbortSignal): Promise<MailSent>;
}
