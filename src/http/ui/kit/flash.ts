import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { Frame } from '../../../../views/frame/frame.ts';
import { formatStored } from '../../../../views/parts/format.ts';
import type { Services } from '../../../services-port.ts';
import { attributesOf, prefixOf } from './cookie-attributes.ts';

const FLASH = 'bridgeport_flash';
/** Long enough for a slow redirect; what nobody fetched is not told to somebody else's page an hour later. */
const KEPT_S = 60;

type Words = string | ((count: number, rest: number) => string);

/** What a page says after a redirect, by its key: a cookie can only choose among these, and add counts. */
const FLASHES = {
  'account-created': 'The service account is created. Make a token for it next.',
  'account-deleted': 'The service account and its tokens are deleted.',
  'account-saved': 'The service account is saved.',
  'backup-cancelled': 'The backup is being cancelled.',
  'backup-deleted': 'The backup is deleted.',
  'backup-ended-cancelled': 'The backup was cancelled; what had been stored of it was removed.',
  'backup-ended-failed': 'The backup failed: the reason stands below.',
  'backup-ended-good': (bytes, dumpBytes) => `Backed up and read back: ${formatStored(bytes, dumpBytes)}.`,
  'backup-ended-uncertain': 'Nobody knows yet whether the backup is whole: what is asked stands below.',
  'backup-read-damaged': 'It was read in full and is damaged: what to do stands below.',
  'backup-read-whole': 'It was read in full, from its first byte to its last, and is whole.',
  'backup-read-not': 'It could not be read in full: nothing is known of it that was not known before.',
  'backup-pinned': 'The backup is pinned: retention leaves it alone.',
  'backup-queued': 'The backup has been asked for. One is running: it begins when that one has ended.',
  'backup-requested': 'The backup has been asked for.',
  'backup-runs-and-waits': 'One is running and one waits already.',
  'backup-waits': 'One waits already: it begins when its turn comes.',
  'backups-pinned': (count) =>
    count === 1
      ? '1 backup is kept for ever: retention leaves it alone.'
      : `${count} backups are kept for ever: retention leaves them alone.`,
  'backups-deleted': (count) => (count === 1 ? '1 backup is deleted.' : `${count} backups are deleted.`),
  'backups-read': (count) =>
    count === 1
      ? '1 backup is read in full, from its first byte to its last.'
      : `${count} backups are read in full, from their first byte to their last.`,
  'backup-unpinned': 'The backup is no longer pinned.',
  'backups-requested': (count, rest) =>
    `${count === 1 ? 'A backup has' : `${count} backups have`} been asked for.${rest === 0 ? '' : ` Of ${rest === 1 ? '1 more database' : `${rest} more databases`} one waits already.`}`,
  'backups-wait': (count) =>
    `Of each of these ${count} databases one waits already: it begins when its turn comes.`,
  'report-no-server': 'There is no mail server: an admin enters one under Channels.',
  'report-on-its-way': 'A report is on its way to you already.',
  'report-queued': 'The report is on its way to you.',
  'type-saved': 'The type is saved: it counts for what happens from now on.',
  'none-to-read':
    'None of the selected can be read in full just now: it failed, is gone, or is being read already.',
  'notifications-read': 'All notifications are marked as read.',
  'nothing-selected': 'Nothing was selected: tick the boxes of the rows first.',
  'blackout-added': 'The blackout is added: what is due within it is skipped.',
  'blackout-removed': 'The blackout is removed.',
  'channel-added': 'The channel took the test message and is added.',
  'channel-not-sent': 'The test message was not taken: the reason stands at the channel.',
  'channel-removed': 'The channel is removed: nothing is told there any more.',
  'channel-saved': 'The channel is saved.',
  'channel-sent': 'The channel took the test message.',
  'data-saved': 'The setting for downloads is saved.',
  'database-created': 'The database is registered.',
  'database-deleted': 'The database is no longer registered.',
  'databases-registered': (count) =>
    `${count === 1 ? 'The database is' : `${count} databases are`} registered. Back up next: nothing is safe before its first backup.`,
  'database-saved': 'The database is saved.',
  'databases-paused': (count) => (count === 1 ? '1 database is paused.' : `${count} databases are paused.`),
  'databases-resumed': (count) => (count === 1 ? '1 database goes on.' : `${count} databases go on.`),
  'databases-read': (count) =>
    count === 1
      ? 'The last good backup is read in full, from its first byte to its last.'
      : `The last good backups of ${count} databases are read in full, from their first byte to their last.`,
  'schedules-changed': (count) =>
    `${count === 1 ? 'The schedule is' : `${count} schedules are`} changed: each waits for its next time.`,
  'policies-saved': (count) =>
    `${count === 1 ? 'The policy is' : `${count} policies are`} saved. What they do not keep is pruned now.`,
  'drill-asked-already':
    'A drill of this database has been asked for already: no second one was. What becomes of it is shown here.',
  'drill-of-another-waits':
    'A drill of another backup of this database waits already, the one shown here. Yours was not asked for: ask again once this one has begun, or cancel it.',
  'drill-queued':
    'The drill has been asked for. Another one of this database is under way: it begins when that one has ended.',
  'environment-created': 'The environment is created.',
  'environment-deleted': 'The environment is deleted.',
  'host-key-forgotten':
    'The host key is forgotten. The next connection that you start pins the one it meets.',
  'kept-dropped': 'What was kept is dropped.',
  'kept-taken-back': 'Nothing was dropped: what was kept has its place again.',
  'mail-not-sent': 'The test mail was not taken: the reason stands below.',
  'mail-removed': 'The mail server is removed: no mail is sent any more.',
  'mail-saved': 'The mail server is saved.',
  'mail-sent': 'The mail server took the test mail.',
  'machine-added': 'This machine is added. Find its databases next.',
  'master-key-confirmed': 'Noted: the master key has been copied.',
  'next-steps-hidden':
    'The next steps are hidden. Schedules, notifications and drills have pages of their own.',
  'display-saved': 'Pages show times and colours so from now on.',
  'password-changed': 'The password is changed. Please sign in again.',
  'password-set': 'The new password is set.',
  'password-set-unlinked': (count) =>
    `The new password is set, and ${count === 1 ? 'the link' : `${count} links`} to single sign-on taken off: the owner makes ${count === 1 ? 'it' : 'them'} anew under Account.`,
  'password-saved': 'The password is saved.',
  'preferences-saved': 'What you are told is saved.',
  'ping-not-sent': 'The test ping did not arrive: the reason stands beside the address.',
  'ping-removed': 'The address is removed: nothing is told there any more.',
  'ping-saved': 'The address is saved. Send a test ping next.',
  'ping-sent': 'The test ping was taken.',
  'rule-deleted': 'The rule is deleted.',
  'rule-saved': 'The rule is saved.',
  'schedule-removed': 'The schedule is removed.',
  'schedule-saved': 'The schedule is saved: it waits for its next time.',
  'settings-reset': 'Every setting is as it is by default.',
  'settings-saved': 'The settings are saved.',
  'settings-saved-some-go': (count) =>
    `The settings are saved. By them ${count === 1 ? '1 more backup goes' : `${count} more backups go`}: with the next backup of its database, or in the next night.`,
  'retention-saved': 'The policy is saved. What it does not keep is pruned now.',
  'restored-dropped': 'What was restored is dropped.',
  'restore-asked-already':
    'This backup is being restored there already: no second restore was begun. What becomes of it is shown here.',
  'restore-cancelled': 'The restore is being cancelled: what it has made by now is removed.',
  'restore-cleaned-up': 'Nothing is left of this restore.',
  'restore-found-whole': 'Nothing was removed: what was restored is there, whole.',
  'restore-said-gone': 'Nothing of this restore counts as left, as you said: nobody could look.',
  'restore-login-forgotten': 'The login is forgotten.',
  'restore-login-saved': 'The login is stored: restores and drills on this server use it from now on.',
  rotated: 'What no rule keeps is pruned.',
  'rotated-partly': (count) =>
    `${count === 1 ? 'A backup' : `${count} backups`} could not be removed. It is tried again by itself; the reason stands beside it.`,
  'role-kept':
    'The provider gives you another role or none, but you are the last admin here who can sign in: you stay one. Make another user an admin first.',
  'sign-on-linked': 'Your account is linked: sign in by single sign-on from now on, or with your password.',
  'sign-on-removed': 'Single sign-on is turned off. Sessions that began by it have ended.',
  'sign-on-saved': 'Single sign-on is saved.',
  'sign-on-tested': 'The provider answers, and knows this client.',
  'sign-on-unlinked': 'The link is taken off.',
  'second-factor-removed': 'The second factor is taken off.',
  'session-ended': 'The session is ended.',
  'size-accepted': 'What is missing is accepted: pruning goes on.',
  'server-created': 'The server is created. Test SSH next: it pins the host key.',
  'server-deleted': 'The server is deleted.',
  'server-reached': 'The server was reached.',
  'server-saved': 'The server is saved.',
  'ssh-key-removed': 'The SSH key is removed.',
  'ssh-key-made':
    'A key is made. Append its line to authorized_keys on each server, then test the connection.',
  'ssh-saved': 'The SSH settings are saved.',
  'storage-deleted': 'The storage configuration is deleted.',
  'storage-disabled': 'Storage is disabled for the environment.',
  'storage-enabled': 'Storage is enabled for the environment.',
  'storage-replaced': 'The new configuration was tested and is saved.',
  'storage-replaced-partly':
    'The new configuration is saved, but its key does not reach every bucket. Test Connection says which, and why.',
  'storage-saved': 'The configuration is saved. Test Connection next.',
  'target-confirmed': 'The stored password is sent to the present target from now on.',
  'token-revoked': 'The token is revoked.',
  'token-shown':
    'A token is shown once, when it is made, and stored nowhere. Where it was not copied, revoke it and make another.',
  'user-created': 'The user is created.',
  'user-deleted': 'The user is deleted.',
  'user-saved': 'The user is saved.',
  'verification-requested':
    'It is read in full, from its first byte to its last. What comes of it is shown below.',
  'verification-runs': 'It is not there to be read, is being read in full already, or waits for it.',
  'webhook-added': 'The webhook is added.',
  'webhook-removed': 'The webhook is removed: nothing is told there any more.',
  'webhook-sent': 'The webhook took the test.',
} as const satisfies Readonly<Record<string, Words>>;

export type FlashKey = keyof typeof FLASHES;
const wordsOf = (key: FlashKey): Words => FLASHES[key];

/** Those that are no plain good news. */
const WARNINGS: readonly FlashKey[] = [
  'storage-replaced-partly',
  'rotated-partly',
  'backup-ended-failed',
  'backup-ended-uncertain',
  'backup-read-damaged',
  'backup-read-not',
  'drill-of-another-waits',
  'nothing-selected',
  'none-to-read',
  'ping-not-sent',
  'mail-not-sent',
  'channel-not-sent',
  'role-kept',
];

/** Those that say that nothing was done, since it was done already. */
const NEWS: readonly FlashKey[] = [
  'backup-ended-cancelled',
  'backup-runs-and-waits',
  'backup-waits',
  'backups-wait',
  'drill-asked-already',
  'restore-asked-already',
  'token-shown',
  'verification-runs',
];

/** Leads to a page of ours that says this once. */
export function goTo(
  c: Context,
  services: Pick<Services, 'config'>,
  path: string,
  key?: FlashKey,
  count?: number,
  rest?: number,
): Response {
  if (key !== undefined) say(c, services, key, count, rest);
  // An id of the address may hold anything; a header may not.
  return c.redirect(
    path.replaceAll(/[^\x21-\x7e]+/g, (odd) => encodeURIComponent(odd.toWellFormed())),
    303,
  );
}

/** On the next page that is asked for, whichever that is. */
export function say(
  c: Context,
  services: Pick<Services, 'config'>,
  key: FlashKey,
  count?: number,
  rest?: number,
): void {
  const value = [key, count, rest].filter((part) => part !== undefined).join(':');
  setCookie(c, FLASH, value, { ...attributesOf(c, services), maxAge: KEPT_S });
}

/** What the request before this one had to say; it is forgotten with that. */
export function takeFlash(c: Context, services: Pick<Services, 'config'>): Frame['flash'] {
  const value = getCookie(c, FLASH, prefixOf(services));
  if (value === undefined) return null;
  deleteCookie(c, FLASH, attributesOf(c, services));
  const [key = '', ...counts] = value.split(':');
  if (!isFlash(key)) return null;
  const words = wordsOf(key);
  const [count = 0, rest = 0] = counts.map((text) => Number.parseInt(text, 10) || 0);
  const text = typeof words === 'string' ? words : words(count, rest);
  return { tone: WARNINGS.includes(key) ? 'warning' : NEWS.includes(key) ? 'info' : 'success', text };
}

function isFlash(key: string): key is FlashKey {
  return Object.hasOwn(FLASHES, key);
}
