import { Group } from './group.tsx';

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
      <Group class="copy-text" label={label}>
        <pre>
          <code id={id}>{text}</code>
        </pre>
      </Group>
      <button type="button" class="secondary outline" data-copy={id} aria-label={`Copy: ${label}`} hidden>
        Copy
      </button>
    </div>
  );
}
