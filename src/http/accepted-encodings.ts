import type { AssetEncoding } from '../services-port.ts';

/** Which of our encodings an Accept-Encoding header allows; a browser names them, and `;q=0` takes one back. */
export function acceptedEncodings(header: string | undefined): readonly AssetEncoding[] {
  const accepted: AssetEncoding[] = [];
  for (const part of (header ?? '').toLowerCase().split(',')) {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim());
    const isRefused = parameters.some((parameter) => /^q\s*=\s*0(\.0*)?$/.test(parameter));
    if ((name === 'br' || name === 'gzip') && !isRefused) accepted.push(name);
  }
  return accepted;
}
