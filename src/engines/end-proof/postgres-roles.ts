import { readName, wordsOf } from './sql-names.ts';

/** The roles that a statement of pg_dump names: as an owner, as who is granted or denied something, as whom a policy is for. */
export function rolesOf(statement: string): readonly string[] {
  const words = wordsOf(statement);
  const [first = '', second = ''] = words;
  if (first === 'ALTER' && second !== 'DEFAULT') return after(words, ['OWNER', 'TO']);
  if (first === 'ALTER') return [...after(words, ['FOR', 'ROLE']), ...grantees(words)];
  if (first === 'GRANT' || first === 'REVOKE') return grantees(words);
  if (first !== 'CREATE') return [];
  if (second === 'POLICY') return ofPolicy(words);
  if (second === 'SCHEMA') return after(words, ['AUTHORIZATION']);
  return second === 'USER' ? after(words, ['USER', 'MAPPING', 'FOR']) : [];
}

function grantees(words: readonly string[]): readonly string[] {
  const at = words.lastIndexOf(words[0] === 'REVOKE' ? 'FROM' : 'TO');
  return at < 0 ? [] : listed(words.slice(1 + at));
}

/** One that names nobody is for everybody. What follows the names is an expression, in which anything may stand. */
function ofPolicy(words: readonly string[]): readonly string[] {
  const end = words.findIndex((word) => word === 'USING' || word === 'WITH');
  const head = end < 0 ? words : words.slice(0, end);
  return grantees(head);
}

function after(words: readonly string[], marks: readonly string[]): readonly string[] {
  const at = words.findLastIndex((_, index) => marks.every((mark, next) => words[index + next] === mark));
  return at < 0 ? [] : listed(words.slice(at + marks.length));
}

/** The names up to the first word that no comma leads to. PUBLIC is none: everybody is in it. */
function listed(words: readonly string[]): readonly string[] {
  const names: string[] = [];
  for (let at = 0; ; at += 2) {
    const word = words[at] ?? '';
    const name = word === 'PUBLIC' ? undefined : readName(word)?.name;
    if (name !== undefined) names.push(name);
    if (words[at + 1] !== ',') return names;
  }
}
