/** Lets everything else go on for a moment: a query of SQLite waits for nothing, so that awaiting it lets nobody in. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
