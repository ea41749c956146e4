import { AppError } from '../../errors.ts';
import { type Discovery, type DiscoveryPlan, type DiscoveryTarget, MOST_FOUND } from '../engine.ts';
import { toDiscovery } from '../found.ts';
import { connectionLines, connectionSecrets, describeTarget, type MysqlTarget } from './connection.ts';
import { explainMysql } from './failures.ts';
import type { MysqlOptions } from './options.ts';
import { toolLines } from './tools.ts';

/** The server's own, and the folder that a file system puts beside the databases. */
const SYSTEM = ['information_schema', 'performance_schema', 'mysql', 'sys', 'ndbinfo', '#mysql50#lost+found'];

/** Asks the server for the databases that the user may see, with the size of their tables. */
export function discoverMysql(given: DiscoveryTarget<MysqlOptions>): DiscoveryPlan {
  // Everybody may connect to it.
  const target: MysqlTarget = { ...given, databaseName: 'information_schema' };
  return {
    command: { script: discoverScript(target), secrets: connectionSecrets(target) },
    isGradual: false,
    read: (stdout) => readDiscovery(target, new TextDecoder().decode(stdout)),
    explain: (failure) => explainMysql(target, failure),
  };
}

/** Names as hexadecimal numbers: the clients print line breaks in them as they are. */
function discoverScript(target: MysqlTarget): string {
  return `${connectionLines(target)}
${toolLines(target)}
choose_tools && refuse_plain || { tell_tls; exit; }
ask "SELECT CONCAT('bridgeport:server=', VERSION());
SELECT CONCAT('bridgeport:found=', HEX(s.SCHEMA_NAME), ' ', COALESCE(SUM(t.DATA_LENGTH), 0))
FROM information_schema.SCHEMATA s
LEFT JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = s.SCHEMA_NAME AND t.TABLE_TYPE <> 'VIEW'
WHERE s.SCHEMA_NAME NOT IN (${SYSTEM.map((name) => `'${name}'`).join(', ')})
GROUP BY s.SCHEMA_NAME ORDER BY s.SCHEMA_NAME LIMIT ${MOST_FOUND + 1}"`;
}

function readDiscovery(target: MysqlTarget, stdout: string): Discovery {
  const server = /^bridgeport:server=(.+)$/m.exec(stdout)?.[1];
  if (server === undefined) {
    throw new AppError(
      'dump_failed',
      `Asking ${describeTarget(target)} for the databases beside it gave no usable answer.`,
      {
        details: { answer: stdout.slice(0, 500) },
      },
    );
  }
  const found = [...stdout.matchAll(/^bridgeport:found=([0-9A-F]+) (\d+)$/gm)];
  return toDiscovery(
    server,
    found.map(([, hex = '', size = '']) => ({ name: nameOf(hex), size })),
  );
}

function nameOf(hex: string): string | null {
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
