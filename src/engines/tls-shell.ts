import { quote } from '../hosts/quote.ts';

/** Where distributions keep the authorities that they trust, as one file. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/usr/local/share/certs/ca-root-nss.crt',
  '/opt/homebrew/etc/ca-certificates/cert.pem',
];

/** A shell function that sets `authorities` to the host's bundle; fails where it has none. */
export const FIND_BUNDLE = `find_bundle() {
  for authorities in ${BUNDLES.join(' ')}; do
    [ -s "$authorities" ] && [ -r "$authorities" ] && return 0
  done
  echo 'bridgeport: no certificate authorities found' >&2
  return 78
}`;

/**
 * A shell function for after a failure of verified TLS: says which authorities counted (what `choose_authorities` sets) and, where the
 * host has openssl, why they do not vouch for the server, since clients give no reason (libpq) or only some. It asks the
 * server for its certificate alone and sends nothing, at the address that was judged where there is one. It gives the
 * failure's status back.
 */
export function tellTls(
  protocol: 'postgres' | 'mysql',
  server: { readonly host: string; readonly address: string | null; readonly port: number },
): string {
  const host = quote(server.host);
  const at = server.address === null ? server.host : bracketed(server.address);
  const connect = quote(`${at}:${server.port}`);
  return `tell_tls() {
  tls_status=$?
  choose_authorities 2>/dev/null || return $tls_status
  echo "bridgeport: tls authorities=$authorities" >&2
  case ${host} in '' | *[,:]* | /* | @*) return $tls_status ;; esac
  { command -v openssl && command -v timeout; } >/dev/null 2>&1 || return $tls_status
  [ "$authorities" != system ] || find_bundle 2>/dev/null || return $tls_status
  if [ -n "$TLS_CA" ]; then printf '%s\\n' "$TLS_CA"; else cat "$authorities"; fi 2>/dev/null | {
    exec 5<&0 </dev/null
    timeout 15 openssl s_client -starttls ${protocol} -connect ${connect} -servername ${host} -CAfile /dev/fd/5 2>/dev/null
  } | sed -n 's/^ *Verify return code: \\([0-9]*\\).*/bridgeport: tls verify=\\1/p' | head -n 1 >&2
  return $tls_status
}`;
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
