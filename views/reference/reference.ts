/** A field of what is sent or answered, or a shape that may stand in a place. */
export interface FieldView {
  readonly name: string;
  /** In words: `text`, `list of numbers`, `one of …`. */
  readonly type: string;
  readonly isRequired: boolean;
  /** Bounds, defaults and what it means, in words; empty for none. */
  readonly notes: readonly string[];
  /** What it holds itself. */
  readonly fields: readonly FieldView[];
}

/** A route in the lists. */
export interface RouteLine {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly summary: string;
  readonly least: string;
}

export interface RouteGroup {
  readonly name: string;
  readonly title: string;
  readonly routes: readonly RouteLine[];
}

/** All that the page of a route tells. */
export interface RouteView extends RouteLine {
  readonly group: { readonly name: string; readonly title: string };
  /** Who may call it, and which tokens. */
  readonly access: readonly (readonly [string, string])[];
  readonly parameters: readonly FieldView[];
  readonly query: readonly FieldView[];
  /** Null: it takes none. */
  readonly body: FieldView | null;
  /** A body that is valid; null where none is taken. */
  readonly example: string | null;
  readonly answer: FieldView;
  /** By a status that is no failure's: a question, or what goes on. */
  readonly otherAnswers: readonly { readonly status: string; readonly shape: FieldView }[];
  readonly refusals: readonly ErrorCodeView[];
  /** What else holds for it, in sentences. */
  readonly remarks: readonly string[];
  readonly isPublic: boolean;
  readonly isKeyed: boolean;
  /** It may change something: who tries it says so. */
  readonly isChanging: boolean;
}

export interface ErrorCodeView {
  readonly status: number;
  readonly code: string;
  readonly meaning: string;
}

/** What a request that was tried came to. */
export interface TriedView {
  /** Null: no answer came. */
  readonly status: number | null;
  readonly statusText: string;
  readonly tookMs: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  /** What is to be said of the body: cut, not shown. */
  readonly note: string | null;
}
