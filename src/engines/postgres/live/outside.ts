export interface Relation {
  readonly schema: string;
  readonly name: string;
}

/** What uses a table or view: a foreign key or a view, or a partition or heir, by `[what, schema, name, of schema, of name]`. */
export type Use = readonly [what: string, schema: string, name: string, ofSchema: string, ofName: string];

const WORDS: Readonly<Record<string, string>> = {
  key: 'has a foreign key to',
  view: 'is a view of',
  child: 'is a partition or an heir of',
};

/**
 * What is not in a dump and uses a table that is, a sentence each: it would keep that table from being dropped. Where the dump’s views are
 * not known by name, none of them is told of.
 */
export function dependents(
  uses: readonly Use[],
  {
    inDump,
    known,
    views,
  }: { readonly inDump: ReadonlySet<string>; readonly known: ReadonlySet<string>; readonly views: boolean },
): readonly string[] {
  return uses
    .filter(([what, schema, name, ofSchema, ofName]) => {
      if (what === 'view' && !views) return false;
      const of = JSON.stringify([ofSchema, ofName]);
      return (
        (inDump.has(of) || (what === 'view' && known.has(of))) && !known.has(JSON.stringify([schema, name]))
      );
    })
    .map(
      ([what, schema, name, ofSchema, ofName]) =>
        `${schema}.${name} ${WORDS[what] ?? 'needs'} ${ofSchema}.${ofName}`,
    );
}

const MOST_NAMED = 10;

/** `public.a, public.b and 3 more`. */
export function named(relations: readonly Relation[]): string {
  const names = relations.slice(0, MOST_NAMED).map(({ schema, name }) => `${schema}.${name}`);
  const more = relations.length - names.length;
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
