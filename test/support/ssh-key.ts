import ssh2 from 'ssh2';

/**
 * A new key pair in OpenSSH's format. ECDSA, as ssh2 1.17 writes about one of 256 Ed25519 keys so that nothing
 * reads them: it strips the zero bytes that a public key begins with (mscdex/ssh2#1390).
 */
export function newSshKeys(): { readonly private: string; readonly public: string } {
  return ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 });
}
