/** What became of a try. */
export type Outcome =
  | { readonly isOk: true; readonly status: number | null }
  | {
      readonly isOk: false;
      readonly status: number | null;
      readonly reason: string;
      readonly mayPass: boolean;
      /** It seldom passes: a few tries, and no hours. */
      readonly isBrief?: true;
      /** The recipient's fault, and not that of the way there. */
      readonly isRecipient: boolean;
    };
