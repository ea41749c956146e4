import { createSecretKey } from 'node:crypto';
import { lookup } from 'node:dns';
import { connect, type LookupFunction, type Socket } from 'node:net';
import type { Client } from 'ssh2';
import { type Networks, outOfReach } from '../networks.ts';
import { writeTogether } from './write-together.ts';

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
  address: { readonly host: string; readonly port: number; readonly networks: Networks },
  client: Client,
): Socket {
  let known: unknown;
  let isSafe = false;
  const callback = (length: number, buffer: Uint8Array): boolean => {
    const decipher = partOf(client, '_decipher');
    if (decipher !== known) {
      known = decipher;
      isSafe = prepare(decipher);
    }
    const read = Buffer.from(buffer.buffer, buffer.byteOffset, length);
    socket.emit('data', isSafe ? read : Buffer.from(read));
    return true;
  };
  const { host, port, networks } = address;
  const socket: Socket = connect({
    host,
    port,
    lookup: networks.areLimited ? lookupWithin(networks) : lookup,
    noDelay: true,
    onread: { buffer: new Uint8Array(READ_BYTES), callback },
  });
  writeTogether(socket, () => prepareCipher(client));
  return socket;
}

/**
 * Node's own look-up, which gives only addresses of the networks: so what was judged is what is connected to. Addresses as such
 * are not looked up; whoever calls judges them.
 */
function lookupWithin(networks: Networks): LookupFunction {
  return (hostname, options, done) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return done(error, []);
      const reachable = found.filter(({ address }) => networks.contains(address));
      const [first] = reachable;
      if (first === undefined) {
        return done(outOfReach(hostname, found.map(({ address }) => address).join(', ')), []);
      }
      return options.all ? done(null, reachable) : done(null, first.address, first.family);
    });
  };
}

function partOf(client: Client, name: '_cipher' | '_decipher'): unknown {
  const protocol: unknown = Reflect.get(client, '_protocol');
  return typeof protocol === 'object' && protocol !== null ? Reflect.get(protocol, name) : undefined;
}

/** Tells whether the decipher copies; its key, of which it makes a cipher for each packet, becomes Node's own object. */
function prepare(decipher: unknown): boolean {
  if (typeof decipher !== 'object' || decipher?.constructor.name !== 'AESGCMDecipherNative') return false;
  keepKey(decipher, '_decipherKey');
  return true;
}

function prepareCipher(client: Client): void {
  const cipher = partOf(client, '_cipher');
  if (typeof cipher === 'object' && cipher?.constructor.name === 'AESGCMCipherNative')
    keepKey(cipher, '_encKey');
}

/** Node makes such an object of a key's bytes each time, which takes as long as to decrypt a packet with it. */
function keepKey(of: object, name: string): void {
  const key: unknown = Reflect.get(of, name);
  if (Buffer.isBuffer(key)) Reflect.set(of, name, createSecretKey(key));
}
