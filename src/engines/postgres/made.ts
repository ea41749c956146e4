import { AppError } from '../../errors.ts';
import type { MadePlan } from '../restore.ts';
import { connectionSecrets } from './connection.ts';
import { dropScript, identifyScript, oid, oidIn } from './in-place/in-place.ts';
import { type PostgresRestoreTarget, workName } from './restore-target.ts';

/** A restored database keeps its OID through every rename, and no other has it as long as it is there. */
export function madeByPostgres(target: PostgresRestoreTarget): MadePlan {
  const command = (script: string) => ({ script, secrets: connectionSecrets(target) });
  return {
    identify: { command: command(identifyScript(target, workName(target))), read: readOid },
    drop: (id) => command(dropScript(target, target.newName, oid(id), 'restored')),
  };
}

function readOid(stdout: string): string {
  const found = oidIn(stdout);
  if (found !== undefined) return found;
  throw new AppError('dump_failed', 'The restored database is no longer there: somebody has dropped it.');
}
