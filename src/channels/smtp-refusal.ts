/** Class, subject and detail of RFC 3463. */
const ENHANCED = /^\d{3}[ -]([245])\.(\d{1,3})\.(\d{1,3})(?!\S)/;
/** A recipient that there is not, that may not be asked for, or whose name is none (RFC 5321, 4.2.3). */
const PLAIN = /^(550|551|553)\b/;
/** What servers say under these codes when they turn down whoever sends, whomever it is for. */
const OF_WAY =
  /relay|spam|block|auth|sender|policy|denied|blacklist|reputation|\brbl\b|dnsbl|spamhaus|helo|ehlo|client|\bip\b|\bptr\b|reverse|\bdns\b|spf|dkim|dmarc|not allowed|not permitted|quota|rate|too many|access/i;

/**
 * Whether what a mail server answered, by its first line, is about the recipient alone. Servers put off what they have against
 * a client, its greeting or its sender until they are told the recipient (Postfix, `smtpd_delay_reject`), so that the command
 * which was refused says nothing: the enhanced code of an address or a mailbox does, else a plain code without such words.
 */
export function isAboutRecipient(words: string): boolean {
  // Each recipient is made to wait once: that passes.
  if (/^4.*gr[ea]y-?list/i.test(words)) return true;
  const [, , subject = '', detail = ''] = ENHANCED.exec(words) ?? [];
  if (subject === '') return PLAIN.test(words) && !OF_WAY.test(words);
  if (subject === '2') return true;
  // Of addresses, these two are the sender's: nobody else's mail would be taken either.
  if (subject !== '1' || detail === '7' || detail === '8') return false;
  return detail !== '0' || !/sender|helo|client/i.test(words);
}
