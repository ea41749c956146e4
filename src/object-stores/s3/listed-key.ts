/**
 * Which keys an entry of a list may mean: first as it is written, then decoded.
 *
 * Lists are asked for without `encoding-type`: what comes then are the keys themselves. Asked for it, Ceph 16 encodes the
 * keys of uploads without an `<EncodingType>` that says so, and nothing tells them from keys that hold a `%20`. A storage
 * that says it is believed. One that encoded without being asked can't be told by the text alone: what is to be removed
 * must be proven to be the key's own where there is more than one reading.
 */
export function readings(written: string, saysEncoded: boolean): readonly [string, ...string[]] {
  const decoded = decode(written.replace(/\+/g, '%20'));
  if (saysEncoded) return [decoded ?? written];
  const others = [decoded, decode(written)].filter((other) => other !== null && other !== written);
  return [written, ...new Set(others.flatMap((other) => other ?? []))];
}

/**
 * Where the next page begins, as the storage wants it back. Where keys are encoded, markers are as well, but not with
 * Ceph 16: a marker that is the name of a key on its page is taken as it stands.
 */
export function markerAfter(written: string, saysEncoded: boolean, keys: readonly string[]): string {
  return keys.includes(written) ? written : readings(written, saysEncoded)[0];
}

/** Null for what no encoder made. */
function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
