const SHORT_OUTPUT_BYTES = 64 * 1024;

/**
 * The whole output of a command that prints a few lines, as text. Throws what `tooLong` makes when more than 64 KiB
 * come, and the command is ended: a host that never stops printing must fill neither the memory nor the day.
 */
export async function readShortOutput(
  output: AsyncIterable<Uint8Array>,
  tooLong: () => Error,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of output) {
    bytes += chunk.length;
    if (bytes > SHORT_OUTPUT_BYTES) throw tooLong();
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
