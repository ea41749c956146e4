import type { KeyObject } from 'node:crypto';

/** OpenSSH's own format, the only one that ssh2 reads Ed25519 in (openssh-portable, PROTOCOL.key). */
export function opensshEd25519(key: KeyObject): string {
  const { d = '', x = '' } = key.export({ format: 'jwk' });
  const seed = Buffer.from(d, 'base64url');
  const publicHalf = Buffer.from(x, 'base64url');
  const check = Buffer.alloc(8);
  const kind = sshString('ssh-ed25519');
  const pair = [kind, sshString(publicHalf), sshString(Buffer.concat([seed, publicHalf])), sshString('')];
  const unpadded = Buffer.concat([check, ...pair]);
  const padding = Buffer.from(Array.from({ length: (8 - (unpadded.length % 8)) % 8 }, (_, at) => at + 1));
  const blob = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    ...[sshString('none'), sshString('none'), sshString(''), Buffer.from([0, 0, 0, 1])],
    sshString(Buffer.concat([kind, sshString(publicHalf)])),
    sshString(Buffer.concat([unpadded, padding])),
  ]);
  const lines = blob.toString('base64').match(/.{1,70}/g) ?? [];
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join(
    '\n',
  );
}

function sshString(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
