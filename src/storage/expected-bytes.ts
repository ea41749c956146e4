/** A dump of text can be larger than the database's files; the estimate only decides part sizes. */
const MARGIN = 1.2;

/** The size that an upload is planned for, from the estimate of the database's look. */
export function expectedBytes(estimatedBytes: number): number {
  return Math.ceil(estimatedBytes * MARGIN);
}
