/** A report for people, as plain text in parts: whoever shows it escapes it. */
export interface Report {
  /** Of one line. */
  readonly title: string;
  /** In one sentence. */
  readonly summary: string;
  readonly sections: readonly ReportSection[];
}

export interface ReportSection {
  readonly title: string;
  /** Sentences. */
  readonly lines: readonly string[];
  readonly table: ReportTable | null;
}

export interface ReportTable {
  readonly columns: readonly string[];
  readonly rows: readonly {
    readonly cells: readonly string[];
    /** A page of ours about it, such as `/databases/…`; null: none. */
    readonly path: string | null;
  }[];
}
