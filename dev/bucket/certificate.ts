import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** A self-signed certificate that a client trusts by being given it as its certificate authority. */
export interface Certificate {
  readonly certPem: string;
  readonly keyPem: string;
}

const validityYears = 5;
const dayMs = 86_400_000;

/**
 * Makes an EC P-256 certificate for localhost, *.localhost, 127.0.0.1, ::1 and the names given, valid from a day before
 * `now` for five years. The X.509 structure (RFC 5280) is encoded here, because Node can sign but not issue.
 * OpenSSL refuses a wildcard directly under `localhost`, hence names such as `bucket.localhost`.
 */
export function createCertificate(now: Date, names: readonly string[] = []): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const toBeSigned = certificateBody(publicKey, now, names);
  const signature = sign('sha256', toBeSigned, privateKey);
  const certificate = sequence(toBeSigned, ecdsaWithSha256, bitString(signature));
  return {
    certPem: pem('CERTIFICATE', certificate),
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function certificateBody(publicKey: KeyObject, now: Date, names: readonly string[]): Buffer {
  const notAfter = new Date(now);
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + validityYears);
  return sequence(
    tagged(0, integer(Buffer.from([2]))),
    integer(serialNumber()),
    ecdsaWithSha256,
    subject,
    sequence(utcTime(new Date(now.getTime() - dayMs)), utcTime(notAfter)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(3, sequence(...extensions(names))),
  );
}

/** 128 random bits, positive and without leading zeros. */
function serialNumber(): Buffer {
  const serial = randomBytes(16);
  serial.writeUInt8((serial.readUInt8(0) & 0x7f) | 0x40, 0);
  return serial;
}

const oids = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  subjectAltName: '2.5.29.17',
} as const;

const ecdsaWithSha256 = sequence(oid(oids.ecdsaWithSha256));
const subject = sequence(
  element(0x31, sequence(oid(oids.commonName), element(0x0c, Buffer.from('Development bucket')))),
);

function extensions(names: readonly string[]): Buffer[] {
  return [
    extension(oids.basicConstraints, true, sequence(element(0x01, Buffer.from([0xff])))),
    // digitalSignature and keyCertSign: it serves TLS and vouches for itself. The first byte counts the unused bits.
    extension(oids.keyUsage, true, element(0x03, Buffer.from([2, 0b1000_0100]))),
    extension(oids.extendedKeyUsage, false, sequence(oid(oids.serverAuth))),
    extension(
      oids.subjectAltName,
      false,
      sequence(
        ...['localhost', '*.localhost', ...names].map((name) => element(0x82, Buffer.from(name))),
        element(0x87, Buffer.from([127, 0, 0, 1])),
        element(0x87, Buffer.from([...Array<number>(15).fill(0), 1])),
      ),
    ),
  ];
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  const flag = critical ? [element(0x01, Buffer.from([0xff]))] : [];
  return sequence(oid(id), ...flag, element(0x04, value));
}

function element(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag]), lengthOf(content), content]);
}

function lengthOf(content: Buffer): Buffer {
  if (content.length < 0x80) return Buffer.from([content.length]);
  const digits = Buffer.from(content.length.toString(16).padStart(4, '0'), 'hex');
  const significant = digits.readUInt8(0) === 0 ? digits.subarray(1) : digits;
  return Buffer.concat([Buffer.from([0x80 | significant.length]), significant]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return element(0x30, Buffer.concat(parts));
}

function tagged(number: number, content: Buffer): Buffer {
  return element(0xa0 | number, content);
}

function integer(bigEndian: Buffer): Buffer {
  return element(0x02, bigEndian);
}

function bitString(bytes: Buffer): Buffer {
  return element(0x03, Buffer.concat([Buffer.from([0]), bytes]));
}

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return element(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let left = value >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80);
  return digits;
}

function utcTime(instant: Date): Buffer {
  const digits = instant.toISOString().replace(/[-:T]|\.\d+/g, '');
  return element(0x17, Buffer.from(digits.slice(2)));
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
