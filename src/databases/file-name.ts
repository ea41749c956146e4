const MAX_BYTES = 180;

/**
 * The file name of a backup: `<database name>-<time with : and . as ->` and the extension. What a path, a key or a
 * header could take for its own (`/`, `\`, control characters, `.` and `..`) becomes `_`; the name is cut so that the
 * whole is at most 180 bytes of UTF-8.
 */
export function backupFileName(databaseName: string, createdAt: string, extension: string): string {
  const tail = `-${createdAt.replace(/[:.]/g, '-')}${extension}`;
  return `${cutToBytes(safeSegment(databaseName), MAX_BYTES - byteLength(tail))}${tail}`;
}

/** One path segment made of any text. */
export function safeSegment(text: string): string {
  const cleaned = text.toWellFormed().replace(/[/\\\p{Cc}]/gu, '_');
  return cleaned === '' || cleaned === '.' || cleaned === '..' ? '_' : cleaned;
}

function cutToBytes(text: string, bytes: number): string {
  let cut = '';
  let used = 0;
  for (const character of text) {
    used += byteLength(character);
    if (used > bytes) break;
    cut += character;
  }
  return cut;
}

const byteLength = (text: string): number => new TextEncoder().encode(text).length;
