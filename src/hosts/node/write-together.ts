import type { Writable } from 'node:stream';

/**
 * Has all that is written to the stream within one turn leave it at once, and `prepare` run before the first of it. For each packet ssh2
 * writes three times (the length, what is encrypted, and its tag), and on a socket without delay each of these is a call of the system
 * and a packet of the network, for which sshd wakes up.
 */
export function writeTogether(stream: Writable, prepare: () => void): void {
  const write: typeof stream.write = stream.write.bind(stream);
  let isOpen = false;
  const begin = (): void => {
    if (isOpen) return;
    isOpen = true;
    prepare();
    stream.cork();
    process.nextTick(() => {
      isOpen = false;
      stream.uncork();
    });
  };
  stream.write = new Proxy(write, {
    apply(target, _self, given: Parameters<typeof write>) {
      begin();
      return target(...given);
    },
  });
}
