/** A part of a list, and what the list holds in all. */
export interface Page {
  readonly limit: number;
  readonly offset: number;
}
