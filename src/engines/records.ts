/** More than any list of ours holds: what says so much is no answer, and each byte of it could be a field. */
const MOST_RECORDS = 20_000;

/**
 * What a command prints field by field, each ended by a NUL, which no name can hold: so that a name with line breaks is one
 * name. A last record that was cut off is left out, and so is what comes after 20,000; null stands for a field that is not UTF-8.
 */
export function readRecords(
  stdout: Uint8Array,
  fieldsPerRecord: number,
): readonly (readonly (string | null)[])[] {
  const records: (string | null)[][] = [];
  let fields: (string | null)[] = [];
  let start = 0;
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  for (let end = stdout.indexOf(0); end >= 0; end = stdout.indexOf(0, start)) {
    fields.push(textOf(decoder, stdout.subarray(start, end)));
    start = end + 1;
    if (fields.length < fieldsPerRecord) continue;
    records.push(fields);
    if (records.length === MOST_RECORDS) break;
    fields = [];
  }
  return records;
}

function textOf(decoder: TextDecoder, bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}
