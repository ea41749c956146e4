/** The path with an id for each `:id` in it, by the word before. Throws for a kind of thing that none is known of. */
export function withNames(path: string, names: Readonly<Record<string, string>>): string {
  return path.replace(/([\w-]+)\/:(\w+)/g, (_, kind: string) => {
    const name = names[kind];
    if (!name) throw new Error(`${path}: nothing is known for what follows ${kind}`);
    return `${kind}/${name}`;
  });
}

/** An address of `ASKED`: its path with names, and in its query what each word such as `:environment` stands for. */
export function addressOf(
  asked: string,
  names: Readonly<Record<string, string>>,
  words: Readonly<Record<string, string>>,
): string {
  const [route = '', query = ''] = asked.split('?');
  const path = withNames(route, names);
  return query === '' ? path : `${path}?${query.replace(/:(\w+)/g, (_, word: string) => words[word] ?? '')}`;
}
