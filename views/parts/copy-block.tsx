/** A text to copy, such as a command, as it is to be pasted. The button is there where a page may write to the clipboard. */
export function CopyBlock({
  id,
  text,
  label,
}: {
  readonly id: string;
  readonly text: string;
  readonly label: string;
}) {
  return (
    <div class="copy-block">
      {/* By keyboard too, where it scrolls. */}
      <section tabindex={0} aria-label={label}>
        <pre>
          <code id={id}>{text}</code>
        </pre>
      </section>
      <button type="button" class="secondary outline" data-copy={id} aria-label={`Copy: ${label}`} hidden>
        Copy
      </button>
    </div>
  );
}
