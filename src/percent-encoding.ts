/** RFC 3986: `encodeURIComponent` leaves `!'()*`, which servers that sign the raw path refuse and some headers end at. */
export function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
