/** A sentence of a declaration: what stands between backquotes in it is code. */
export function Worded({ text }: { readonly text: string }) {
  return (
    <>
      {text
        .split('`')
        .map((part, index) => (index % 2 === 1 ? <code key={String(index)}>{part}</code> : part))}
    </>
  );
}
