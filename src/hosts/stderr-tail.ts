const TAIL_BYTES = 8 * 1024;

export interface StderrTail {
  observe(chunk: Uint8Array): void;
  text(): string;
}

/** Keeps the last 8 KiB of stderr as text, with every form of the secrets that a tool may print replaced by `***`. */
export function keepStderrTail(secrets: readonly string[]): StderrTail {
  const forms = secrets.flatMap(formsOf).sort((a, b) => b.length - a.length);
  // Enough more that a secret is never kept in half.
  const keep = TAIL_BYTES + 4 * (forms[0]?.length ?? 0);
  let kept = Buffer.alloc(0);
  let isCut = false;
  return {
    observe(chunk) {
      kept = Buffer.concat([kept, chunk]);
      if (kept.length <= keep) return;
      kept = Buffer.from(kept.subarray(-keep));
      isCut = true;
    },
    text() {
      // Of the same length, so that the cut below can't move into a secret.
      const blanked = forms.reduce(
        (text, form) => text.replaceAll(form, '\0'.repeat(form.length)),
        kept.toString(),
      );
      const whole = isCut ? blanked.slice(forms[0]?.length ?? 0) : blanked;
      return Buffer.from(whole.replace(/\0+/g, '***')).subarray(-TAIL_BYTES).toString();
    },
  };
}

function formsOf(secret: string): string[] {
  const lines = secret.split('\n').filter((line) => line.length >= 8);
  const forms = [secret, ...lines, Buffer.from(secret).toString('base64'), encodeURIComponent(secret)];
  return [...new Set(forms)].filter((form) => form.length > 0);
}
