import { createSecretKey } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Client } from 'ssh2';

const READ_BYTES = 256 * 1024;

/**
 * A socket for ssh2 that reads into one buffer again and again, where that is safe: a new buffer for each read is as
 * much work for the garbage collector as the dump itself (measured: a quarter of the memory and of the CPU time).
 *
 * Safe is ssh2's own AES-GCM: it hands out what Node's cipher has written elsewhere. Its other ciphers, and the time
 * before there is one, keep parts of what was read, and get copies. This looks at private fields of ssh2, whose
 * version is pinned; where they are not as expected, everything is copied.
 */
export function connectForSsh(
  address: { readonly host: string; readonly port: number },
  client: Client,
): Socket {
  let known: unknown;
  let isSafe = false;
  const callback = (length: number, buffer: Uint8Array): boolean => {
    const decipher = decipherOf(client);
    if (decipher !== known) {
      known = decipher;
      isSafe = prepare(decipher);
    }
    const read = Buffer.from(buffer.buffer, buffer.byteOffset, length);
    socket.emit('data', isSafe ? read : Buffer.from(read));
    return true;
  };
  const socket: Socket = connect({
    ...address,
    noDelay: true,
    onread: { buffer: new Uint8Array(READ_BYTES), callback },
  });
  return socket;
}

function decipherOf(client: Client): unknown {
  const protocol: unknown = Reflect.get(client, '_protocol');
  return typeof protocol === 'object' && protocol !== null ? Reflect.get(protocol, '_decipher') : undefined;
}

/** Tells whether the decipher copies; its key, of which it makes a cipher for each packet, becomes Node's own object. */
function prepare(decipher: unknown): boolean {
  if (typeof decipher !== 'object' || decipher?.constructor.name !== 'AESGCMDecipherNative') return false;
  const key: unknown = Reflect.get(decipher, '_decipherKey');
  // Node makes such an object of a key's bytes each time, which takes as long as to decrypt a packet with it.
  if (Buffer.isBuffer(key)) Reflect.set(decipher, '_decipherKey', createSecretKey(key));
  return true;
}
