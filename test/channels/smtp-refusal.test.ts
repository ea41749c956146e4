import { expect, it } from 'vitest';
import { isAboutRecipient } from '../../src/channels/smtp-refusal.ts';

it('is the recipient’s fault where the server says so of an address or a mailbox, and of nothing else', () => {
  const ofRecipient = [
    '550 5.1.1 <ada+"x"@example.com>: Recipient address rejected: User unknown in relay recipient table',
    '550 5.1.2 no such domain',
    '550-5.1.1 The email account that you tried to reach does not exist',
    '552 5.2.2 mailbox full',
    '550 5.2.1 disabled',
    '450 4.2.0 <ada@example.com>: Recipient address rejected: Greylisted',
    '451 4.7.1 Greylisting in action, please come back later',
    ...['550 nobody here', '551 User not local', '553 mailbox name is not one'],
  ];
  const ofTheWay = [
    '554 5.7.1 <ada@example.com>: Relay access denied',
    '530 5.7.0 Must issue a STARTTLS command first',
    '554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org',
    '504 5.5.2 <app>: Helo command rejected: need fully-qualified hostname',
    '550 5.1.8 <app@nowhere>: Sender address rejected: Domain not found',
    '553 5.1.7 sender',
    '550 5.1.0 Sender rejected',
    '550 5.7.64 TenantAttribution; Relay Access Denied',
    ...['550 relaying denied', '550 Spam', '553 sorry, that sender is blocked', '550 authentication needed'],
    ...['554 no', '451 4.3.0 later', '421 busy', ''],
  ];
  expect(ofRecipient.filter((words) => !isAboutRecipient(words))).toEqual([]);
  expect(ofTheWay.filter(isAboutRecipient)).toEqual([]);
});
