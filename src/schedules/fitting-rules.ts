import type { Db } from '../db/schema.ts';
import { isAppError } from '../errors.ts';
import { parseCron } from './cron.ts';
import { fits, sortRules, type Target } from './effective.ts';
import { inWords } from './words.ts';

/** A rule that counts for a database, or may. */
export interface FittingRule {
  readonly id: string;
  readonly name: string;
  readonly words: string;
  /** It counts on servers with this tag only, and the server is not known yet; null: it counts. */
  readonly tag: string | null;
}

/**
 * The rules of which the first that fits counts for a database that there is not yet. `tags` are those of its server; null where that
 * is to be chosen: then all up to the first that asks for no tag. Empty where nothing begins by itself.
 */
export async function fittingRules(
  db: Db,
  { tags, ...target }: Pick<Target, 'environmentId' | 'engine'> & { readonly tags: readonly string[] | null },
): Promise<readonly FittingRule[]> {
  const rows = await db.selectFrom('schedules').selectAll().where('database_id', 'is', null).execute();
  const found: FittingRule[] = [];
  for (const rule of sortRules(rows)) {
    // Where the server is not known, it may have the rule's tag.
    const assumed = tags ?? (rule.tag === null ? [] : [rule.tag]);
    if (!fits(rule, { ...target, tags: assumed })) continue;
    const tag = tags === null ? rule.tag : null;
    found.push({ id: rule.id, name: rule.rule_name ?? '', words: wordsOf(rule.cron_expression), tag });
    if (tag === null) break;
  }
  return found;
}

/** One that was stored and can't be read any more is named by its text. */
function wordsOf(expression: string): string {
  try {
    return inWords(parseCron(expression));
  } catch (error) {
    if (isAppError(error, 'invalid')) return expression;
    throw error;
  }
}
