/** A place between two rows, newest first: behind this one. */
export interface AuditCursor {
  readonly at: string;
  readonly id: string;
}

/** A cursor as a word for addresses, and back; null for what is none. */
export function cursorText({ at, id }: AuditCursor): string {
  return `${at}_${id}`;
}

export function parseCursor(text: string): AuditCursor | null {
  const [, at, id] = /^(\d{4}-\d\d-\d\dT[\d:.]{12}Z)_([\w-]{1,64})$/.exec(text) ?? [];
  return at === undefined || id === undefined ? null : { at, id };
}
