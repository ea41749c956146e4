/**
 * What a command prints field by field, each ended by a NUL, which no name can hold: so that a name with line breaks is one
 * name. A last record that was cut off is left out; null stands for a field that is not UTF-8.
 */
export function readRecords(
  stdout: Uint8Array,
  fieldsPerRecord: number,
): readonly (readonly (string | null)[])[] {
  const records: (string | null)[][] = [];
  let fields: (string | null)[] = [];
  let start = 0;
  for (let end = stdout.indexOf(0); end >= 0; end = stdout.indexOf(0, start)) {
    fields.push(textOf(stdout.subarray(start, end)));
    start = end + 1;
    if (fields.length < fieldsPerRecord) continue;
    records.push(fields);
    fields = [];
  }
  return records;
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
