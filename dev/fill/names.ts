/** Names as people give them, and worse: spaces, plus signs, umlauts, emoji, quotes, percent signs, markup. */
const ODD = [
  'shop',
  'Kunden Zürich',
  'a+b & c',
  `O'Brien "main"`,
  'reports 📊',
  '100% <b>new</b>',
  'данные',
  '顧客 台帳',
  'e\u0301cole (old)',
  'tab.le-1_x',
  '#1; drop table',
  'ÄÖÜ/ß\\path',
] as const;

/** A name of its own for each number. */
export function oddName(number: number): string {
  return `${ODD[number % ODD.length]} ${number + 1}`;
}
