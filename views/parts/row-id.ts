/**
 * The id of a row with a box to tick: by it the row is found again where its list is made anew, and keeps its tick. Without
 * one, the tick would stay where it was in the list, at whatever stands there then. Short, since a list has fifty: ids are
 * random, and eight letters of them tell the rows of a page apart.
 */
export const rowId = (id: string): string => `r${id.slice(-8)}`;
