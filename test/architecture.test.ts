import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { engines } from '../src/engines/engines.ts';
import { PROVIDERS } from '../src/object-stores/providers/table.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Import {
  readonly file: string;
  /** A path from the root of the repository, or the name of a package. */
  readonly target: string;
  readonly isType: boolean;
}

const files = ['src', 'views', 'migrations'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => `${folder}/${name}`),
);
const sources = new Map(files.map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]));
const imports = files.flatMap(importsOf);

function importsOf(file: string): readonly Import[] {
  const text = sources.get(file) ?? '';
  const found = [
    ...text.matchAll(/^(?:import|export)\s+(type\s)?[^;'"]*?from\s+['"]([^'"]+)['"]/gm),
    ...text.matchAll(/^import\s+(type\s)?['"]([^'"]+)['"]/gm),
    ...text.matchAll(/\bimport\((type\s)?['"]([^'"]+)['"]\)/g),
  ];
  return found.map(([statement, type, target = '']) => ({
    file,
    target: target.startsWith('.') ? relative(ROOT, join(ROOT, dirname(file), target)) : target,
    isType: type !== undefined || /^(import|export) \{\s*(type [^,}]+,?\s*)+\} from/.test(statement),
  }));
}

/** Imports that break a rule, as `file → target`. */
function breaches(from: RegExp, isAllowed: (entry: Import) => boolean): readonly string[] {
  return imports
    .filter((entry) => from.test(entry.file) && !isAllowed(entry))
    .map(({ file, target }) => `${file} → ${target}`);
}

/** Files that lead back to themselves, as `file → … → file`, each circle once. */
function circles(): readonly string[] {
  const targets = new Map(files.map((file) => [file, imports.filter((entry) => entry.file === file)]));
  const found = new Set<string>();
  const done = new Set<string>();
  const walk = (file: string, way: readonly string[]): void => {
    const at = way.indexOf(file);
    if (at >= 0) found.add([...way.slice(at), file].join(' → '));
    if (at >= 0 || done.has(file)) return;
    for (const { target } of targets.get(file) ?? []) walk(target, [...way, file]);
    done.add(file);
  };
  for (const file of files) walk(file, []);
  return [...found];
}

/** What stands between the brackets that open first behind that place. */
function argumentsAt(text: string, from: number): string {
  const opens = text.indexOf('(', from);
  let depth = 0;
  for (let at = opens; at < text.length; at += 1) {
    if (text[at] === '(') depth += 1;
    if (text[at] === ')') depth -= 1;
    if (depth === 0) return text.slice(opens + 1, at);
  }
  return text.slice(opens + 1);
}

const isOurs = (target: string) => /^(src|views|migrations|dev|test|bench)\//.test(target);

/**
 * The house, highest floor first. Imports lead downwards, and within a noun; within a floor only where `NEIGHBOURS` says.
 * A file right under src/ is ground, but for the roots.
 */
const FLOORS = [
  ['main'],
  ['services'],
  ['periodic-tasks', 'app'],
  ['http'],
  ['metrics', 'reports'],
  ['drills'],
  ['schedules', 'retention'],
  ['restores', 'verifications'],
  ['notifications', 'watches'],
  ['backups'],
  ['pings'],
  ['databases', 'storage'],
  ['servers', 'environments'],
  ['auth', 'oidc', 'tokens', 'settings', 'installation', 'idempotency'],
  ['runs', 'transfer', 'leftovers', 'events', 'audit'],
  ['engines', 'hosts', 'object-stores', 'channels'],
  ['secrets', 'db', 'node'],
  ['ground'],
];
const NEIGHBOURS = new Set([
  ...['servers → environments', 'installation → settings', 'secrets → db'],
  ...['tokens → auth', 'oidc → auth', 'restores → verifications'],
  ...['engines → hosts', 'object-stores → hosts'],
]);
/** Names types of every floor, for the wiring and for http/ alone: use cases take small contexts. */
const SERVICES_PORT = 'src/services-port.ts';
const MAY_KNOW_SERVICES = /^src\/(?:(?:main|edge|services|app)\.ts$|http\/)/;

function nounOf(file: string): string {
  const folder = /^src\/([\w-]+)\//.exec(file)?.[1];
  const root = /^src\/(main|services|periodic-tasks|app)\.ts$/.exec(file)?.[1];
  return folder ?? root ?? 'ground';
}
const floorOf = (noun: string) => FLOORS.findIndex((nouns) => nouns.includes(noun));

function leadsDown({ file, target }: Import): boolean {
  const [from, to] = [nounOf(file), nounOf(target)];
  return from === to || floorOf(from) < floorOf(to) || NEIGHBOURS.has(`${from} → ${to}`);
}

/** What imports Node or a native package beyond types lies in a folder of that name; but the root that wires them. */
const NODE_FOLDER = /^src\/(?:[\w-]+\/)*node\//;
const NODE_OUTSIDE = ['src/services.ts'];
const NODE = /^(node:|pg$|ssh2$|better-sqlite3$|undici$|nodemailer$|prom-client$|@hono\/node-server)/;

describe('the direction of imports', () => {
  const inSrc = imports.filter(({ file, target }) => file.startsWith('src/') && target.startsWith('src/'));

  it('is read from every file, each on a floor', () => {
    expect(files.length).toBeGreaterThan(60);
    expect(inSrc.length).toBeGreaterThan(200);
    expect(imports).toContainEqual({ file: 'src/services-port.ts', target: 'src/config.ts', isType: true });
    expect(imports).toContainEqual({ file: 'src/app.ts', target: 'src/http/api/routes.ts', isType: false });
    const nouns = new Set(files.filter((file) => file.startsWith('src/')).map(nounOf));
    expect([...nouns].filter((noun) => floorOf(noun) === -1)).toEqual([]);
  });

  it('leads downwards', () => {
    const found = inSrc
      .filter((entry) => !leadsDown(entry) && !(entry.file === SERVICES_PORT && entry.isType))
      .map(({ file, target }) => `${file} → ${target}`);
    expect(found).toEqual([]);
  });

  it('leads to the services from the top alone', () => {
    const found = inSrc.filter(({ target }) => target === SERVICES_PORT);
    expect(found.length).toBeGreaterThan(40);
    expect(found.filter(({ file }) => !MAY_KNOW_SERVICES.test(file)).map(({ file }) => file)).toEqual([]);
  });

  it('leads to Node from the folders named so', () => {
    const outside = imports.filter(
      ({ file, target, isType }) => !isType && NODE.test(target) && !NODE_FOLDER.test(file),
    );
    expect([...new Set(outside.map(({ file }) => file))].sort()).toEqual(NODE_OUTSIDE);
  });

  it('leads into those folders from the roots and from other files in one', () => {
    const found = inSrc.filter(
      ({ file, target, isType }) =>
        !isType &&
        NODE_FOLDER.test(target) &&
        !NODE_FOLDER.test(file) &&
        !/^src\/(main|services)\.ts$/.test(file),
    );
    expect(found).toEqual([]);
  });

  it('keeps ports from knowing tables: no schema, no vault', () => {
    expect(
      breaches(
        /^src\/(engines|hosts|object-stores|channels)\//,
        ({ target }) => !/^src\/(db|secrets)\//.test(target),
      ),
    ).toEqual([]);
  });

  it('keeps engines and object stores apart', () => {
    expect(breaches(/^src\/engines\//, ({ target }) => !target.startsWith('src/object-stores/'))).toEqual([]);
    expect(breaches(/^src\/object-stores\//, ({ target }) => !target.startsWith('src/engines/'))).toEqual([]);
  });

  it('keeps the API and the pages apart', () => {
    expect(breaches(/^src\/http\/api\//, ({ target }) => !target.startsWith('src/http/ui/'))).toEqual([]);
    expect(breaches(/^src\/http\/ui\//, ({ target }) => !target.startsWith('src/http/api/'))).toEqual([]);
  });

  it('leads to the views from their pages alone, and from views to views and types only', () => {
    expect(
      breaches(/^src\//, ({ file, target }) => /^src\/http\/ui\//.test(file) || !target.startsWith('views/')),
    ).toEqual([]);
    const allowed = ({ file, target, isType }: Import) =>
      isType ||
      target.startsWith('views/') ||
      target.startsWith('hono/jsx') ||
      // Pure arithmetic of scales and paths.
      (file.startsWith('views/parts/charts/') && /^d3-(scale|shape)$/.test(target)) ||
      // Hundreds of cells, and fifty strips, are text, escaped as elements are.
      (/(calendar|strip|week-grid)\.tsx$/.test(file) && target === 'hono/html');
    expect(breaches(/^views\//, allowed)).toEqual([]);
  });

  it('leads from migrations to nothing of ours but migrations', () => {
    expect(
      breaches(/^migrations\//, ({ target }) => !isOurs(target) || target.startsWith('migrations/')),
    ).toEqual([]);
  });

  it('never leads in a circle, not for a type either', () => {
    expect(circles()).toEqual([]);
  });

  it('never leads from the product to tests, benches or the development bucket', () => {
    expect(breaches(/^(src|views)\//, ({ target }) => !/^(dev|test|bench)\//.test(target))).toEqual([]);
  });
});

describe('a query', () => {
  it('is none of http/: nouns have their queries', () => {
    const queries = /\.(?:selectFrom|insertInto|replaceInto|updateTable|deleteFrom|mergeInto|with)\(|\bsql`/;
    const found = files.filter((file) => queries.test(sources.get(file) ?? ''));
    expect(found.length).toBeGreaterThan(60);
    expect(found.filter((file) => file.startsWith('src/http/'))).toEqual([]);
    expect(
      breaches(/^src\/(http\/|app\.ts)/, ({ target }) => !/^(kysely|src\/db\/write\.ts)$/.test(target)),
    ).toEqual([]);
  });
});

describe('an answer of the API', () => {
  it('is of a declared shape, whatever its status', () => {
    const api = files.filter((file) => file.startsWith('src/http/api/'));
    const having = (text: string) => api.filter((file) => sources.get(file)?.includes(text));
    expect(having('answerBy<').length).toBeGreaterThan(2);
    expect(having('c.json(')).toEqual([]);
  });
});

describe('a sorting by text that people typed', () => {
  it('goes by its bytes on both kinds of state', () => {
    const sorting = /\.orderBy\(\s*'(?:\w+\.)?\w*(?:name|email|bucket|prefix|endpoint)'([^\n]*)/g;
    const found = files.flatMap((file) =>
      [...(sources.get(file) ?? '').matchAll(sorting)].map(([text, after = '']) => ({
        text: `${file}: ${text}`,
        isByBytes: after.includes('byBytes(db)'),
      })),
    );
    expect(found.length).toBeGreaterThan(20);
    expect(found.filter(({ isByBytes }) => !isByBytes).map(({ text }) => text)).toEqual([]);
  });
});

describe('the environment', () => {
  it('is read by node/read-config.ts alone', () => {
    const readers = files.filter((file) => sources.get(file)?.includes('process.env'));
    expect(readers).toEqual(['src/node/read-config.ts']);
  });
});

describe('a transaction', () => {
  it('is begun by db/write.ts alone', () => {
    const begun = /\.(?:startT|t)ransaction\(/;
    expect(begun.test('await db.startTransaction().execute()')).toBe(true);
    const writers = files.filter((file) => begun.test(sources.get(file) ?? ''));
    expect(writers).toEqual(['src/db/write.ts']);
  });
});

describe('a write', () => {
  const src = files.filter((file) => file.startsWith('src/'));
  /** What the pattern finds in the sources, as `file: what`, but where its first group is what it should be. */
  const others = (pattern: RegExp, isRight: (group: string) => boolean) =>
    src.flatMap((file) =>
      [...(sources.get(file) ?? '').matchAll(pattern)]
        .filter(([, group = '']) => !isRight(group))
        .map(([found]) => `${file}: ${found}`),
    );
  const isTrx = (name: string) => name === 'trx';

  it('is made on `trx` alone', () => {
    const builders = /([\w)\]]+)\??\s*\.(?:insertInto|replaceInto|updateTable|deleteFrom|mergeInto)\(/g;
    expect(src.filter((file) => sources.get(file)?.match(builders)).length).toBeGreaterThan(20);
    expect(others(builders, isTrx)).toEqual([]);
  });

  it('that is written as text is executed on `trx` alone', () => {
    const texts = /`\s*(?:insert|replace|update|delete|merge)\b[^`]*`\s*\.execute\(\s*(\w*)/gi;
    expect(src.filter((file) => sources.get(file)?.match(texts))).toEqual(['src/secrets/reseal.ts']);
    expect(others(texts, isTrx)).toEqual([]);
    // Only the opening of the file and migrations speak to SQLite beside Kysely's builders.
    const raw = src.filter((file) => /CompiledQuery|executeQuery\(/.test(sources.get(file) ?? ''));
    expect(raw.filter((file) => !file.startsWith('src/db/'))).toEqual([]);
  });

  it('has its `trx` from `write`, handed on under that name and type', () => {
    expect(others(/\btrx\??:\s*([^,)\n]+)/g, (type) => type === 'Trx')).toEqual([]);
    expect(others(/\b(?:const|let|var)\s+(trx)\b/g, () => false)).toEqual([]);
    expect(
      others(/([\w.]+\(\s*[\w.]+,\s*)?(?:async )?\(?trx\)? =>/g, (call) => call.startsWith('write(')),
    ).toEqual([]);
    expect(others(/\bas (?:unknown as )?(Trx)\b/g, () => false)).toEqual([]);
  });
});

describe('a form that was sent', () => {
  const pages = files.filter((file) => /^src\/http\/ui\/(?!kit\/)/.test(file));
  const pagesWith = (pattern: RegExp) => pages.filter((file) => pattern.test(sources.get(file) ?? ''));

  it('is refused, and comes back as it was sent, by submit alone', () => {
    expect(pagesWith(/\bsubmit\(c, services, \{/).length).toBeGreaterThan(25);
    expect(pagesWith(/\b(?:refusedForm|failedForm|askAgain|staleForm)\b/)).toEqual([]);
  });

  it('is read elsewhere only where it holds nothing that can be wrong', () => {
    const unread = (source: string) => source.split(/\bui\.post\(/).slice(1);
    const both = pages.filter((file) =>
      unread(sources.get(file) ?? '').some((handler) => {
        const [own = ''] = handler.split(/^ {2}\}\);?$/m);
        return /\breadForm\(/.test(own) && /\b(?:safeParse|catch)\b/.test(own);
      }),
    );
    expect(both).toEqual([]);
  });
});

describe('what the totals of stored backups count', () => {
  const writersOf = (pattern: RegExp) =>
    files.filter((file) => file.startsWith('src/') && pattern.test(sources.get(file) ?? ''));

  it('becomes completed in settle.ts and deleted in two files alone, which keep the totals', () => {
    expect(writersOf(/\bstatus: 'completed'/)).toEqual(['src/backups/settle.ts']);
    expect(writersOf(/\bdeleted_at: (?!string)/)).toEqual([
      'src/backups/delete-backup.ts',
      'src/backups/mark-pruned.ts',
    ]);
  });
});

describe('what is said in one place', () => {
  const inSrc = files.filter((file) => file.startsWith('src/'));
  const having = (pattern: RegExp) => inSrc.filter((file) => pattern.test(sources.get(file) ?? ''));

  it('is how a leftover is recorded', () => {
    expect(having(/insertInto\('leftovers'\)/)).toEqual(['src/leftovers/insert-leftover.ts']);
  });

  it('is what a role may: `hasRole`. Whether somebody is an admin who must not be the last is another question', () => {
    const asks = /\brole\)? [!=]== '(?:admin|operator|viewer)'/;
    expect(having(asks)).toEqual(['src/auth/users.ts', 'src/oidc/admit.ts']);
    // Views read `mayChange` and `isAdmin` of who looks; of tokens one of them says which role it is.
    const views = files.filter((file) => file.startsWith('views/') && asks.test(sources.get(file) ?? ''));
    expect(views).toEqual(['views/tokens/token-table.tsx']);
  });

  it('is what who may too little is answered', () => {
    expect(having(/dmin access required/)).toEqual([]);
    expect(having(/access required/)).toEqual(['src/auth/roles.ts']);
  });

  it('is what a sealed value is bound to: secrets/sealed.ts, which knows them all', () => {
    const last = (text: string) => text.trim().replace(/,$/, '');
    const calls = inSrc.flatMap((file) =>
      [...(sources.get(file) ?? '').matchAll(/\bvault\.(?:seal|open)\(/g)].map(({ index }) => ({
        file,
        call: last(argumentsAt(sources.get(file) ?? '', index)),
      })),
    );
    expect(calls.length).toBeGreaterThan(40);
    const isKnown = ({ file, call }: (typeof calls)[number]) =>
      /\.identity\([^()]*(?:\([^()]*\))?[^()]*\)$/.test(call) ||
      (/,\s*identity$/.test(call) && /const identity = [\w.]+\.identity\(/.test(sources.get(file) ?? ''));
    expect(calls.filter((call) => !isKnown(call))).toEqual([]);
    // Nobody else makes one, or hands one on as a text; engines, which know no vault, tell databases apart by another.
    const making = having(/\bidentity: (?:\(|string)/).filter((file) => !file.startsWith('src/engines/'));
    expect(making).toEqual(['src/secrets/sealed.ts', 'src/secrets/vault.ts']);
  });

  it('is what is a provider’s: its entry, and nothing asks which one it is', () => {
    expect(having(new RegExp(`[!=]== '(?:${PROVIDERS.map(({ id }) => id).join('|')})'`))).toEqual([]);
  });

  it('is what is an engine’s: its folder, and nothing else asks which one it is', () => {
    const types = engines.map(({ type }) => type).join('|');
    const asks = new RegExp(`[!=]== '(?:${types})'|\\bcase '(?:${types})':|'(?:${types})' [!=]==`);
    expect(types).toContain('|');
    expect(asks.test(`type === '${engines[0]?.type}'`)).toBe(true);
    const found = files.filter((file) => asks.test(sources.get(file) ?? ''));
    expect(found.filter((file) => !/^(?:src\/engines|migrations)\//.test(file))).toEqual([]);
  });

  it('is how a place on a host is written', () => {
    expect(having(/^(?!\s*(?:\/?\*|\/\/)).*['"`]host:/m)).toEqual(['src/object-stores/place.ts']);
  });

  it('is under which names a provider is reached: its entry', () => {
    const hosted = PROVIDERS.filter(({ accountOf }) => accountOf !== null);
    const domains = hosted.map(({ endpointPattern }) => endpointPattern.split('.').slice(-2));
    expect(domains).toContainEqual(['cloudflarestorage', 'com']);
    // As text, and as a regular expression spells it; but for the name space of S3's XML.
    const spelled = domains.map(([name, zone]) => `${name}\\\\*\\.${zone}\\b(?!/doc/)`);
    const entries = /^src\/object-stores\/providers\/(?:aws-host|clouds|ceph-based|self-hosted)\.ts$/;
    const saying = new RegExp(spelled.join('|'));
    const found = files.filter((file) => saying.test(sources.get(file) ?? ''));
    expect(found.filter((file) => entries.test(file))).toHaveLength(3);
    expect(found.filter((file) => !entries.test(file))).toEqual([]);
  });
});

describe('a name', () => {
  it('is that of a test in test/ alone: the product tries things, and its deep test is called so', () => {
    const named = files.filter((file) =>
      /(?:^|[/.-])tests?[.-]|\.spec\./.test(file.replaceAll('deep-test', '')),
    );
    expect(named).toEqual([]);
    const called = /^\s*(?:export )?(?:(?:async )?function\*? |const (?=[^\n]*=>))test(?:[A-Z]\w*)?\b/m;
    expect(called.test('export async function testBucket(')).toBe(true);
    expect(files.filter((file) => called.test(sources.get(file) ?? ''))).toEqual([]);
  });

  it('says services of the wiring alone: what a use case is handed is its context', () => {
    const below = files.filter((file) => !MAY_KNOW_SERVICES.test(file) && file !== SERVICES_PORT);
    const having = (pattern: RegExp, among: readonly string[]) =>
      among.filter((file) => pattern.test(sources.get(file) ?? ''));
    const declared = /^(?:export )?(?:interface|type|class) \w*Services\b/m;
    expect(having(declared, files).sort()).toEqual(['src/services-port.ts', 'src/services.ts']);
    expect(having(/\bservices\??:|[({,] *services\b *[,})]|\bservices\.\w+/, below)).toEqual([]);
  });

  it('speaks of spaces on the wire and in tables alone: it is the storage', () => {
    const elsewhere = files.filter((file) => !/^(?:src\/http\/api|src\/db|migrations)\//.test(file));
    expect(elsewhere.filter((file) => /spaces/i.test(file))).toEqual([]);
    const names = /\b[a-z]\w*Spaces\w*|\b[sS]paces[A-Z]\w*|\bSPACES_\w+|\b(?:const|let) spaces\b/g;
    // Fields of the contract, which forms and use cases share.
    const isWire = (name: string) => /^backupSpaces(?:Bucket|Prefix)$/.test(name);
    expect('openSpaces(spacesRow, SpacesTest)'.match(names)).toEqual([
      'openSpaces',
      'spacesRow',
      'SpacesTest',
    ]);
    const found = elsewhere.flatMap((file) =>
      [...(sources.get(file) ?? '').matchAll(names)]
        .filter(([name]) => !isWire(name))
        .map(([name]) => `${file}: ${name}`),
    );
    expect(found).toEqual([]);
  });
});

describe('what is not written here', () => {
  it.each([
    ['any', /[:<]\s*any\b(?!thing)/],
    ['enum', /^\s*(export\s+)?(const\s+)?enum\s/m],
    ['namespace', /^\s*(export\s+)?namespace\s/m],
    ['a default export', /^export default/m],
  ])('%s', (_, pattern) => {
    const isCode = (line: string) => !/^\s*(\/\/|\/?\*)/.test(line);
    const found = files.filter((file) =>
      (sources.get(file) ?? '').split('\n').some((line) => isCode(line) && pattern.test(line)),
    );
    expect(found).toEqual([]);
  });
});
