import type { Context } from 'hono';
import type { FormState } from '../../../../views/parts/form-state.ts';
import type { InputIssue } from '../../../errors.ts';
import type { Services } from '../../../services-port.ts';
import { staleForm } from './edit-form.ts';
import { type FlashKey, goTo } from './flash.ts';
import { type FormBody, readForm } from './form-body.ts';
import { askAgain, failedForm, refusedForm } from './form-failure.ts';
import type { UiEnv } from './ui-env.ts';

/** What zod's `safeParse` gives, as far as a form needs it. */
export type Parsed<Input> =
  | { readonly success: true; readonly data: Input }
  | { readonly success: false; readonly error: { readonly issues: readonly InputIssue[] } };

/** Where a form leads that was taken, and what is said there. */
export interface Taken {
  readonly to: string;
  readonly say?: FlashKey;
  /** For words that count. */
  readonly count?: number;
}

export interface Submission<Input> {
  readonly parse: (body: FormBody) => Parsed<Input> | Promise<Parsed<Input>>;
  /** Fields that are never sent back. */
  readonly secrets?: readonly string[];
  /** True where a secret left blank is taken: one that was typed is then asked for again. */
  readonly asksAgain?: boolean;
  /** Of something that is stored: what `editForm` would show of it now. */
  readonly stored?: (() => Promise<Readonly<Record<string, string>>>) | undefined;
  /** What `act` threw, as this form's person can mend it; what is no matter of the form is given back as it is. */
  readonly explain?: (error: unknown) => unknown;
  /** The same form with what was typed and what is wrong, as a 422. */
  readonly refuse: (form: FormState) => Promise<Response>;
  /**
   * Does it. What the person at the form can mend is shown in it, everything else is a page of its own. A response is the answer itself, for
   * what is shown this once and has no address, and for a form that is asked about rather than taken: `sent` is the form as it was sent.
   */
  readonly act: (input: Input, body: FormBody, sent: FormState) => Promise<Taken | Response>;
}

/** A posted form, or the query of one that asks only: read, parse, refuse; try, refuse; redirect. */
export async function submit<Input>(
  c: Context<UiEnv>,
  services: Pick<Services, 'config'>,
  {
    parse,
    secrets = [],
    asksAgain = false,
    stored,
    explain = (error) => error,
    refuse,
    act,
  }: Submission<Input>,
): Promise<Response> {
  const body = c.req.method === 'GET' ? c.req.query() : await readForm(c);
  const again = (form: FormState) => (asksAgain ? askAgain(form, body, secrets) : form);
  const parsed = await parse(body);
  if (!parsed.success) return refuse(again(refusedForm(body, parsed.error.issues, secrets)));
  const sent = refusedForm(body, [], secrets);
  const stale = stored && staleForm(body, sent, await stored());
  if (stale !== undefined) return refuse(again(stale));
  let taken: Taken | Response;
  try {
    taken = await act(parsed.data, body, again(sent));
  } catch (error) {
    return refuse(again(failedForm(body, explain(error), secrets)));
  }
  return taken instanceof Response ? taken : goTo(c, services, taken.to, taken.say, taken.count);
}

/** For a form that holds nothing to parse. */
export const nothingToParse = (): Parsed<null> => ({ success: true, data: null });

/** What was parsed, with what is wrong said beside the fields as the form has them. */
export function besideFields<Input>(
  parsed: Parsed<Input>,
  onTheForm: (issue: InputIssue) => InputIssue,
): Parsed<Input> {
  return parsed.success ? parsed : { success: false, error: { issues: parsed.error.issues.map(onTheForm) } };
}
