import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import type { CertificateReader, Validity } from '../certificates.ts';

const WITHIN_MS = 10_000;

/** Reads certificates of files, and what servers show. `isDirect`: whether a server is reached without a proxy. */
export function createCertificateReader(isDirect: (url: string) => boolean): CertificateReader {
  return {
    ofPem(pem) {
      const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
      const all = blocks.flatMap(validityOf);
      return all.toSorted((one, other) => other.until.localeCompare(one.until))[0] ?? null;
    },
    async ofServer(url, signal) {
      if (!isDirect(url) || signal.aborted) return null;
      const { hostname, port, protocol } = new URL(url);
      if (protocol !== 'https:') return null;
      const host = hostname.replace(/^\[|\]$/g, '');
      return shown(host, port === '' ? 443 : Number(port), signal);
    },
  };
}

/** One that is damaged is told of where it is used. */
function validityOf(pem: string): readonly Validity[] {
  try {
    const { validFromDate, validToDate, fingerprint256: fingerprint } = new X509Certificate(pem);
    return [{ from: validFromDate.toISOString(), until: validToDate.toISOString(), fingerprint }];
  } catch {
    return [];
  }
}

/** Nothing is sent to it: whether it is trusted is not asked here, but what it says of its time. */
function shown(host: string, port: number, signal: AbortSignal): Promise<Validity | null> {
  return new Promise((resolve) => {
    const name = isIP(host) === 0 ? { servername: host } : {};
    const socket = connect({ host, port, ...name, rejectUnauthorized: false });
    const end = (validity: Validity | null) => {
      signal.removeEventListener('abort', giveUp);
      clearTimeout(limit);
      socket.destroy();
      resolve(validity);
    };
    const giveUp = () => end(null);
    const limit = setTimeout(giveUp, WITHIN_MS);
    signal.addEventListener('abort', giveUp);
    socket.once('error', giveUp).once('close', giveUp);
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate();
      end(certificate === undefined ? null : (validityOf(certificate.toString())[0] ?? null));
    });
  });
}
