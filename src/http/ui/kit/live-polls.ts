/** The fragments that an open page asks for every few seconds while something runs (`hx-trigger="every …"` in views/). */
const POLLS = [
  /^\/databases\/[^/]+\/runs$/,
  /^\/admin\/storage\/deep-test\/card$/,
  /^\/runs\/running$/,
  /^\/runs\/[^/]+\/log\/state$/,
  /^\/drills\/running$/,
  /^\/backups\/[^/]+\/run$/,
  /^\/backups\/[^/]+\/reading$/,
  /^\/restores\/[^/]+\/run$/,
];

/** They count for no limit, and keep no session alive: nobody need sit there. */
export function isLivePoll(method: string, path: string): boolean {
  return method === 'GET' && POLLS.some((poll) => poll.test(path));
}
