import { AppError } from '../../errors.ts';
import { quote, quoteForAnyShell } from '../quote.ts';

export interface Wrapping {
  readonly script: string;
  readonly secretNames: readonly string[];
  readonly hasInput: boolean;
  /** Random; the line on stdout that starts with it tells the script's output from a login shell's greeting. */
  readonly token: string;
}

/**
 * The command line that runs a script on a host, for `sh -c` semantics whatever the login shell is. Its protocol:
 *
 * - It answers on stdout with an empty line, then `<token> <process group>`, then the script's own stdout.
 * - It then reads one base64 line from stdin per secret, in order, and sets the (unexported) variables.
 * - Without input, stdin must stay open until the script's end: its end means that the caller is gone, and the whole
 *   process group is killed, after 2 s with SIGKILL.
 * - With input, one empty line starts the script, and the rest of stdin is its own. The end of stdin then can't tell a caller that is gone from the end
 *   of the input, so that the script must make nothing final by itself: that is for a following command. What still
 *   runs when the parent process (sshd's session) is gone is killed the same way.
 * - The exit status is the script's. What the script left running in its process group is ended.
 *
 * `exec` makes the outer shell, which sshd started in a session of its own, the wrapper itself; where a server gave it
 * no session, setsid does, because killing the group would hit strangers otherwise.
 */
export function wrapScript({ script, secretNames, hasInput, token }: Wrapping): string {
  const body = [
    `set --; printf '\\n%s %s\\n' ${token} "$$"`,
    ...(secretNames.length > 0 ? [DECODE] : []),
    ...secretNames.map(readSecret),
    hasInput ? `read -r bp_line || exit 125\n${WATCH_PARENT}` : WATCH_STDIN,
    `( eval ${quote(script)} )${hasInput ? '' : ' 3<&-'}`,
    // Messages of bash about the jobs that it loses here are nobody's business.
    `bp_status=$?; exec 2>/dev/null; trap '' TERM; kill -s TERM 0; exit "$bp_status"`,
  ].join('\n');
  return `exec sh -c ${quoteForAnyShell(OWN_GROUP)} sh ${quoteForAnyShell(body)}`;
}

/** Sends a signal to the process group that the wrapper announced. */
export function killScript(processGroup: number, signal: 'TERM' | 'KILL'): string {
  return `exec sh -c ${quoteForAnyShell(`kill -s ${signal} -- -${processGroup} 2>/dev/null`)}`;
}

// The fifth field of /proc/<pid>/stat is the process group. Without /proc (BSD), OpenSSH has always called setsid.
const OWN_GROUP = `if read -r _ _ _ _ bp_group _ 2>/dev/null </proc/$$/stat && [ "$bp_group" != "$$" ]; then exec setsid sh -c "$1"; fi
eval "$1"`;

// The dot keeps trailing newlines, which $() would cut; it is no second byte in any encoding that a shell may assume.
const DECODE = `bp_decode() { if command -v base64 >/dev/null 2>&1; then base64 -d; else openssl base64 -d -A; fi; }`;

function readSecret(name: string): string {
  if (!/^[A-Z_]+$/.test(name)) throw new AppError('internal', `No name for a secret: ${name}`);
  return [
    // A variable that the host's environment already exports would stay exported.
    `unset ${name}; IFS= read -r bp_line || exit 125`,
    `${name}=$(printf '%s\\n' "$bp_line" | bp_decode && printf .) || exit 125`,
    `${name}=\${${name}%.}; unset bp_line`,
  ].join('; ');
}

const END_GROUP = `trap '' TERM HUP; kill -s TERM 0; sleep 2; kill -s KILL 0`;

// Without fd 3 a background job of dash and busybox gets /dev/null as stdin, and the script would be killed at once.
const WATCH_STDIN = `exec 3<&0 </dev/null
( while read -r bp_line <&3; do :; done; ${END_GROUP} ) >/dev/null 2>&1 &`;

const WATCH_PARENT = `if kill -0 "$PPID" 2>/dev/null; then
( exec </dev/null; while kill -0 "$PPID"; do sleep 1; done; ${END_GROUP} ) >/dev/null 2>&1 &
fi`;
