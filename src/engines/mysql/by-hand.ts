import type { ByHand } from '../engine.ts';

/** SQL text, by the client of what it was dumped from. */
export function mysqlByHand(extension: string, serverVersion: string | null): ByHand | undefined {
  if (extension !== '.sql') return undefined;
  const isMysql = serverVersion !== null && !/mariadb/i.test(serverVersion);
  const program = isMysql ? 'mysql' : 'mariadb';
  const client = `${program} --binary-mode --init-command="SET SESSION innodb_strict_mode=OFF" restored`;
  return {
    endProof: 'the comment “Dump completed”',
    create: `${program} -e 'CREATE DATABASE restored CHARACTER SET utf8mb4'`,
    fromFile: (file) => `${client} < ${file}`,
    fromInput: client,
    notes: [
      ...(isMysql
        ? ['MySQL 8 lets administrators alone set --init-command=…: leave it out for others.']
        : []),
      'Views, triggers, routines and events keep their definer: create that user first.',
    ],
  };
}
