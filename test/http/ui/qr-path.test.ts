import { decodeQR } from 'qr/decode.js';
import { expect, it } from 'vitest';
import { totpUri } from '../../../src/auth/totp.ts';
import { qrPath } from '../../../src/http/ui/qr-path.ts';

const SCALE = 4;

/** The path as a camera would see it: RGBA, black on white. */
function drawn({ size, path }: { readonly size: number; readonly path: string }) {
  const side = size * SCALE;
  const data = new Uint8ClampedArray(side * side * 4).fill(255);
  for (const [, x = '', y = ''] of path.matchAll(/M(\d+) (\d+)h1v1h-1z/g)) {
    for (let dy = 0; dy < SCALE; dy += 1) {
      const from = ((Number(y) * SCALE + dy) * side + Number(x) * SCALE) * 4;
      for (let pixel = 0; pixel < SCALE; pixel += 1) data.fill(0, from + pixel * 4, from + pixel * 4 + 3);
    }
  }
  return { width: side, height: side, data };
}

it('the QR code that is drawn is read again as the address that it is of', () => {
  for (const account of ['a@example.com', `${'long'.repeat(40)}+ü <"x">@example.com`]) {
    const uri = totpUri('JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', { issuer: 'BRIDGEPORT Storage', account });
    const qr = qrPath(uri);
    expect(decodeQR(drawn(qr))).toBe(uri);
    expect(qr.path).not.toMatch(/M[0-3] |M\d+ [0-3]h/);
  }
});
