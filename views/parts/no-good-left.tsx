/** The end of a question about deleting backups, where no good one of the database is left then. */
export function NoGoodLeft({ name }: { readonly name: string }) {
  return (
    <>
      {' '}
      <strong>After that, {name} has no good backup at all.</strong>
    </>
  );
}
