/** What the command line says over these: `--name N`, whole numbers. Throws for anything else. */
export function readNumbers<const T extends Readonly<Record<string, number>>>(
  argv: readonly string[],
  usual: T,
): { readonly [Name in keyof T]: number } {
  const values: Record<string, number> = { ...usual };
  for (let at = 0; at < argv.length; at += 2) {
    const name = argv[at]?.replace(/^--/, '') ?? '';
    const value = Number(argv[at + 1]);
    if (!Object.hasOwn(values, name) || !Number.isInteger(value) || value < 0) {
      throw new Error(
        `usage: ${Object.keys(usual)
          .map((one) => `[--${one} N]`)
          .join(' ')}`,
      );
    }
    values[name] = value;
  }
  return values as { readonly [Name in keyof T]: number };
}
