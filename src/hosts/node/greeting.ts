const GREETING_LIMIT = 64 * 1024;

export interface AfterGreeting {
  readonly processGroup: number;
  /** What came with the same chunk, of the script's own output. */
  readonly rest: Uint8Array;
}

/**
 * Takes stdout up to the wrapper's first line, because a login shell's start-up files may print before it: that text
 * goes to `onNoise`, also where reading on fails. Null when stdout ended without the line; throws what `tooLong` makes when
 * 64 KiB came without it: the end of such an output may never come.
 */
export async function skipGreeting(
  output: AsyncGenerator<Uint8Array>,
  token: string,
  onNoise: (text: Uint8Array) => void,
  tooLong: () => Error,
): Promise<AfterGreeting | null> {
  let seen = Buffer.alloc(0);
  while (seen.length < GREETING_LIMIT) {
    const { value, done } = await output.next().catch((error: unknown) => {
      onNoise(seen);
      throw error;
    });
    if (done) {
      onNoise(seen);
      return null;
    }
    seen = Buffer.concat([seen, value]);
    const start = seen.indexOf(`\n${token} `);
    const end = start < 0 ? -1 : seen.indexOf('\n', start + 1);
    if (end < 0) continue;
    onNoise(seen.subarray(0, start));
    const processGroup = Number(seen.toString('latin1', start + token.length + 2, end));
    return { processGroup, rest: seen.subarray(end + 1) };
  }
  onNoise(seen);
  throw tooLong();
}
