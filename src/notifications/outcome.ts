/** What became of a try. */
export type Outcome =
  | { readonly isOk: true; readonly status: number | null }
  | {
      readonly isOk: false;
      readonly status: number | null;
      readonly reason: string;
      readonly mayPass: boolean;
      /** The recipient's fault, and not that of the way there. */
      readonly isRecipient: boolean;
    };
