import { Socket } from 'node:net';

/**
 * The bytes of stdin, a pipe, read into one buffer again and again: each chunk is valid until the next one is asked
 * for. Our upload copies what it gets into its parts, so that it needs no buffer of its own for each read, and the
 * garbage collector has none to look after.
 */
export async function* readStdin(): AsyncGenerator<Uint8Array> {
  let chunk: Uint8Array | null = null;
  let hasEnded = false;
  let wake = () => {};
  const socket = new Socket({
    fd: 0,
    readable: true,
    writable: false,
    onread: {
      buffer: new Uint8Array(2 ** 20),
      callback(length, buffer) {
        chunk = buffer.subarray(0, length);
        wake();
        return false;
      },
    },
  });
  socket.once('close', () => {
    hasEnded = true;
    wake();
  });
  for (;;) {
    socket.resume();
    if (!chunk && !hasEnded) {
      await new Promise<void>((done) => {
        wake = done;
      });
    }
    if (!chunk) return;
    yield chunk;
    chunk = null;
  }
}
