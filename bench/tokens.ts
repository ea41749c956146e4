import { join } from 'node:path';
import { migrate } from '../src/db/node/migrate.ts';
import { openDatabase } from '../src/db/node/open.ts';
import { newId } from '../src/ids.ts';
import { createLog } from '../src/log.ts';
import { findToken } from '../src/tokens/acting-token.ts';
import { newTokenText } from '../src/tokens/token-text.ts';
import { newFolder } from './storage.ts';

/** What the check of an API token costs, in milliseconds of CPU time a request: of one that is there, and of one that is not. */
export interface TokenFigures {
  readonly tokens: number;
  readonly knownMs: number;
  readonly unknownMs: number;
}

const TOKENS = 10_000;
const CHECKS = 2_000;
const BOUND_MS = 1;
const NOW = new Date('2026-11-29T10:00:30.000Z');
const AT = NOW.toISOString();

export async function benchTokens(): Promise<TokenFigures> {
  const db = openDatabase(join(await newFolder(), 'bridgeport.sqlite'));
  await migrate(db, { file: null, now: () => NOW });
  const log = createLog(
    'info',
    () => undefined,
    () => NOW,
  );
  await db
    .insertInto('users')
    .values({
      ...{ id: 'u', email: 'a@example.com', name: null, role: 'admin', password_hash: '-' },
      ...{ last_active_at: null, created_at: AT, updated_at: AT },
    })
    .execute();
  const texts: string[] = [];
  for (let at = 0; at < TOKENS; at += 500) {
    const made = await Promise.all(Array.from({ length: 500 }, newTokenText));
    texts.push(...made.map(({ token }) => token));
    await db
      .insertInto('api_tokens')
      .values(
        made.map(({ hash, prefix }) => ({
          ...{ id: newId(), name: 'a pipeline', token_hash: hash, token_prefix: prefix },
          ...({ role: 'operator', access: 'full', all_environments: 0 } as const),
          ...{ user_id: 'u', service_account_id: null, last_used_at: AT, created_at: AT },
          expires_at: '2099-01-01T00:00:00.000Z',
        })),
      )
      .execute();
  }
  const unknown = await Promise.all(Array.from({ length: CHECKS }, newTokenText));
  const check = async (text: string) => (await findToken({ db, now: () => NOW, log }, text)) !== null;
  const step = Math.floor(TOKENS / CHECKS);
  const knownMs = await cpuOfEach(
    texts.filter((_, index) => index % step === 0),
    check,
    true,
  );
  const unknownMs = await cpuOfEach(
    unknown.map(({ token }) => token),
    check,
    false,
  );
  await db.destroy();
  return { tokens: TOKENS, knownMs, unknownMs };
}

/** What the figures say against what is wanted, a sentence each. */
export function missedTokens({ knownMs, unknownMs }: TokenFigures): readonly string[] {
  return Object.entries({ knownMs, unknownMs })
    .filter(([, ms]) => ms > BOUND_MS)
    .map(([name, ms]) => `tokens, ${name}: ${ms.toFixed(2)}, at most ${BOUND_MS} is wanted`);
}

async function cpuOfEach(
  texts: readonly string[],
  check: (text: string) => Promise<boolean>,
  wanted: boolean,
): Promise<number> {
  for (const text of texts.slice(0, 200)) await check(text);
  const before = process.cpuUsage();
  for (const text of texts) {
    if ((await check(text)) !== wanted) throw new Error(`A token was ${wanted ? 'not ' : ''}found.`);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / texts.length;
}
