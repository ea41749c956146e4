import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

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

const isOurs = (target: string) => /^(src|views|migrations|dev|test|bench)\//.test(target);
/** What talks to a machine, a network or a native package; only the composition root knows them. */
const ADAPTERS =
  /^src\/(hosts\/(ssh|local|local-paths)|[\w/-]+\/node\/[\w-]+|db\/(open|migrate|lock|lock-holder|signs|disk|statistics|sqlite-\w+)|[\w/-]+-node)\.ts$/;
const ROOTS = /^src\/(main|services)\.ts$/;

describe('the direction of imports', () => {
  it('is read from every file', () => {
    expect(files.length).toBeGreaterThan(60);
    expect(imports.length).toBeGreaterThan(200);
    expect(imports).toContainEqual({ file: 'src/services-port.ts', target: 'src/config.ts', isType: true });
    expect(imports).toContainEqual({ file: 'src/app.ts', target: 'src/http/api/routes.ts', isType: false });
    expect(files.filter((file) => ADAPTERS.test(file))).toEqual(
      expect.arrayContaining(['src/hosts/ssh.ts', 'src/db/open.ts', 'src/auth/passwords-node.ts']),
    );
  });

  it('leads to the composition root from main alone', () => {
    expect(breaches(/^(?!src\/main\.ts)/, ({ target }) => !ROOTS.test(target))).toEqual([]);
  });

  it('leads to adapters from the composition root and other adapters alone', () => {
    const others = files.filter((file) => !ROOTS.test(file) && !ADAPTERS.test(file));
    const found = others.flatMap((file) =>
      breaches(
        new RegExp(`^${file.replaceAll('.', '\\.')}$`),
        ({ target, isType }) => isType || !ADAPTERS.test(target),
      ),
    );
    expect(found).toEqual([]);
  });

  it('never leads from the use cases to HTTP or the views', () => {
    const useCases =
      /^src\/(auth|backups|databases|db|engines|hosts|object-stores|secrets|servers|storage|[\w-]+\.ts)/;
    const outer = /^(src\/(http\/|app\.ts)|views\/)/;
    expect(
      breaches(useCases, ({ file, target }) => /^src\/(main|app)\.ts$/.test(file) || !outer.test(target)),
    ).toEqual([]);
  });

  it('never leads from the ports of object stores, hosts, engines and secrets to the use cases', () => {
    const inner = /^src\/(engines|hosts|secrets|object-stores)\//;
    expect(breaches(inner, ({ target }) => !/^src\/(auth|backups|databases|environments|http|servers|storage)\//.test(target))).toEqual([]);
  });

  it('keeps engines pure: no database, no storage, no vault', () => {
    expect(breaches(/^src\/engines\//, ({ target }) => !/^src\/(db|storage|secrets)\//.test(target))).toEqual(
      [],
    );
  });

  it('keeps the API and the pages apart', () => {
    expect(breaches(/^src\/http\/api\//, ({ target }) => !target.startsWith('src/http/ui/'))).toEqual([]);
    expect(breaches(/^src\/http\/ui\//, ({ target }) => !target.startsWith('src/http/api/'))).toEqual([]);
  });

  it('leads from views to views and types only', () => {
    const allowed = ({ target, isType }: Import) =>
      isType || target.startsWith('views/') || target.startsWith('hono/jsx');
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

describe('the environment', () => {
  it('is read by config.ts alone', () => {
    const readers = files.filter((file) => sources.get(file)?.includes('process.env'));
    expect(readers).toEqual(['src/config.ts']);
  });
});

describe('a transaction', () => {
  it('is begun by db/write.ts alone', () => {
    const writers = files.filter((file) => sources.get(file)?.includes('.transaction('));
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

describe('what the totals of stored backups count', () => {
  const writersOf = (pattern: RegExp) =>
    files.filter((file) => file.startsWith('src/') && pattern.test(sources.get(file) ?? ''));

  it('becomes completed in settle.ts and deleted in delete-backup.ts alone, which keep the totals', () => {
    expect(writersOf(/\bstatus: 'completed'/)).toEqual(['src/backups/settle.ts']);
    expect(writersOf(/\bdeleted_at: (?!string)/)).toEqual(['src/backups/delete-backup.ts']);
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
