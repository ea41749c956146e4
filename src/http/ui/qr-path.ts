import { encodeQR } from 'qr';

/** A QR code to draw. */
export interface QrPath {
  /** Modules of a side, with the quiet zone around them. */
  readonly size: number;
  /** Of an SVG path: the dark modules, each one unit wide and high. */
  readonly path: string;
}

/** Of the text. The quiet zone is the four modules that the standard asks for. */
export function qrPath(text: string): QrPath {
  const rows = encodeQR(text, 'raw', { ecc: 'medium', border: 4 });
  const path = rows.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])));
  return { size: rows.length, path: path.join('') };
}
