/**
 * A text to copy, such as a command, as it is to be pasted: it wraps, so that all of it is seen, and is copied as it is. The
 * button is there where a page may write to the clipboard.
 */
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
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields, and of regions a page has few. */}
      <div class="copy-text" role="group" aria-label={label}>
        <pre>
          <code id={id}>{text}</code>
        </pre>
      </div>
      <button type="button" class="secondary outline" data-copy={id} aria-label={`Copy: ${label}`} hidden>
        Copy
      </button>
    </div>
  );
}
