/** How far a connection came. */
export type NetworkFailureKind =
  | 'dns'
  | 'tcp_refused'
  | 'tcp_timeout'
  | 'tcp_closed'
  | 'tls_unknown_authority'
  | 'tls_expired'
  | 'tls_wrong_name'
  | 'tls_plain_http'
  | 'tls_other'
  | 'other';

export interface NetworkFailure {
  readonly kind: NetworkFailureKind;
  /** What is wrong and what to do, without the dot at its end. */
  readonly sentence: string;
}

/** Why no answer came from `url`, by the code of the connection's error (`networkCode`). */
export function explainNetwork(code: string, error: unknown, url: URL): NetworkFailure {
  const { host, hostname } = url;
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_NONAME':
      return {
        kind: 'dns',
        sentence: `There is no host called ${hostname}. Check the spelling of the endpoint, and the region in it`,
      };
    case 'EAI_AGAIN':
      return {
        kind: 'dns',
        sentence: `The name ${hostname} can't be looked up now: this machine's name server does not answer. Check its DNS settings`,
      };
    case 'ECONNREFUSED':
      return {
        kind: 'tcp_refused',
        sentence: `${hostname} is there, but nothing listens on port ${port}. Check the port of the endpoint, and that the storage runs`,
      };
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'timeout':
      return {
        kind: 'tcp_timeout',
        sentence: `${host} does not answer in time. A firewall between this machine and the storage, or a wrong address, is the usual reason`,
      };
    case 'CERT_HAS_EXPIRED':
      return {
        kind: 'tls_expired',
        sentence: `The certificate of ${host} has expired. Renew it at the storage; if it is valid, this machine's clock is wrong`,
      };
    case 'CERT_NOT_YET_VALID':
      return {
        kind: 'tls_expired',
        sentence: `The certificate of ${host} is not valid yet: this machine's clock, or the certificate, is wrong`,
      };
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
    case 'HOSTNAME_MISMATCH':
      return {
        kind: 'tls_wrong_name',
        sentence: `The certificate of ${host} is for another name${namesIn(error)}. Enter the name that it is for, or give the storage a certificate for ${hostname}`,
      };
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
      return {
        kind: 'tls_unknown_authority',
        sentence: `The certificate of ${host} is signed by itself or by a private authority. Put that authority's certificate into a file and name it in STORAGE_CA_FILE`,
      };
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return {
        kind: 'tls_unknown_authority',
        sentence: `Nobody that this machine trusts vouches for the certificate of ${host}. For a private authority name its certificate in STORAGE_CA_FILE; for a public one the storage does not send the intermediate certificate`,
      };
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
    case 'ERR_SSL_UNEXPECTED_MESSAGE':
      return {
        kind: 'tls_plain_http',
        sentence: `What listens at ${host} does not speak TLS: that is most likely plain http, or another port. Give the storage a certificate; or, on a trusted network, have who runs BRIDGEPORT set its environment variable STORAGE_ALLOW_HTTP=1 and restart it, and enter http://${host}`,
      };
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
      return { kind: 'tcp_closed', sentence: closedBy(url) };
    default:
      if (chainOf(error).some(({ message }) => message === 'bad port')) {
        return {
          kind: 'other',
          sentence: `Port ${port} is one of those to which no request is ever sent (the Fetch standard keeps them for other services). Let the storage listen on another port`,
        };
      }
      return isTls(code)
        ? { kind: 'tls_other', sentence: `No secure connection to ${host} is possible` }
        : { kind: 'other', sentence: `${host} could not be reached` };
  }
}

function closedBy({ protocol, host }: URL): string {
  return protocol === 'http:'
    ? `${host} closes the connection without an answer: it may speak TLS only. Enter the endpoint without http://`
    : `${host} closes the connection without an answer. A firewall or a proxy in between, or a port that is not the storage's, is the usual reason`;
}

/** The names that the certificate is for: Node keeps the certificate with its error. */
function namesIn(error: unknown): string {
  for (const at of chainOf(error)) {
    const certificate = 'cert' in at ? at.cert : undefined;
    if (typeof certificate !== 'object' || certificate === null || !('subjectaltname' in certificate))
      continue;
    const names = String(certificate.subjectaltname).replaceAll(/DNS:|IP Address:/g, '');
    return ` (${names.slice(0, 300)})`;
  }
  return '';
}

/** The error and its causes. */
export function chainOf(error: unknown): readonly Error[] {
  const chain: Error[] = [];
  for (let at = error; at instanceof Error && chain.length < 5; at = at.cause) chain.push(at);
  return chain;
}

const isTls = (code: string) => /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_)/.test(code);
