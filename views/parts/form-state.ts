/** What a form shows: what the user typed (never a secret), and what was wrong with it, by field name. */
export interface FormState {
  readonly values: Readonly<Record<string, string>>;
  readonly errors: Readonly<Record<string, string>>;
  /** What is wrong with the whole of it, above the fields. */
  readonly message: string | null;
  /** Of something that is stored: what the form showed of it, in short. */
  readonly seen?: string;
}

/** Whether what lies behind a line of these fields is to be in sight. */
export function hasErrorIn({ errors }: FormState, names: readonly string[]): boolean {
  return names.some((name) => errors[name] !== undefined);
}

/** A form as it is before anybody has sent it. */
export function freshForm(values: Readonly<Record<string, string>> = {}): FormState {
  return { values, errors: {}, message: null };
}
