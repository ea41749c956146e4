/** What a dump holds, as the scanner that followed it to its end counted. */
export interface DumpContents {
  /** Sorted by schema, then name. */
  readonly tables: readonly DumpedTable[];
  readonly largeObjects: number;
  /** That it needs, sorted. */
  readonly extensions: readonly string[];
  /** Owners and grantees that it names, sorted. */
  readonly roles: readonly string[];
  /**
   * Views, sequences and the like, which share their names with tables, and are named as these: of an archive whose table of contents was
   * read, and of no more than are listed. Absent: not known, and so neither which tables are partitioned.
   */
  readonly others?: readonly NamedObject[] | undefined;
  /** Of its texts, as PostgreSQL calls it, where that is not UTF8. */
  readonly encoding?: string | undefined;
}

export interface NamedObject {
  readonly schema: string | null;
  readonly name: string;
}

export interface DumpedTable {
  /** PostgreSQL only. */
  readonly schema: string | null;
  /** Unquoted, as the server knows it. */
  readonly name: string;
  /** null: the rows lie inside compressed blocks and were not counted yet. */
  readonly rows: number | null;
  /** Hex SHA-256 of its definition as the dump spells it; null where it is not seen. */
  readonly definition: string | null;
  /** Its rows lie in its partitions. */
  readonly isPartitioned?: boolean | undefined;
  /** Whose partition it is. */
  readonly partitionOf?: NamedObject | undefined;
}

/** A dump with more has its tables not listed at all: what is known of it stays bounded. */
export const MOST_TABLES = 20_000;
