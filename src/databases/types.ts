import { engineFor } from '../engines/engines.ts';

/** Types that the wire knows beside those of the engines. They can be registered; their backups fail and say why. */
const NAMES: Readonly<Record<string, string>> = {
  mongodb: 'MongoDB',
  redis: 'Redis',
};

export interface DatabaseType {
  readonly id: string;
  readonly name: string;
  readonly displayName: string;
  readonly hasBackupCommand: boolean;
}

/** Null for a type that is not in the wire's list. */
export function databaseType(type: string): DatabaseType | null {
  const engine = engineFor(type);
  const displayName = engine?.displayName ?? (Object.hasOwn(NAMES, type) ? NAMES[type] : undefined);
  if (displayName === undefined) return null;
  return { id: type, name: type, displayName, hasBackupCommand: engine !== undefined };
}
