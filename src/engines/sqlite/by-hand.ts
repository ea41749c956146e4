import type { ByHand } from '../engine.ts';

const CREATE = 'test ! -e restored.db';

/** SQL text goes through sqlite3, which may run no other program; a copy of the file is the database. */
export function sqliteByHand(extension: string): ByHand | undefined {
  if (extension === '.sql') {
    return {
      endProof: 'its last line, “COMMIT;”',
      create: CREATE,
      fromFile: (file) => `sqlite3 -safe -bail restored.db < ${file}`,
      fromInput: 'sqlite3 -safe -bail restored.db',
      notes: [
        'Option -safe keeps sqlite3 from running what a line of the text could ask for; it came with 3.37.',
        'Stop the application before the new file takes the place of the old one, and remove the old files -wal and -shm.',
      ],
    };
  }
  if (extension !== '.sqlite') return undefined;
  return {
    endProof: 'as many pages as its header tells of',
    create: CREATE,
    fromFile: (file) => `cp ${file} restored.db`,
    fromInput: 'cat > restored.db',
    notes: [
      'The unpacked file is the database itself; its application can check it with PRAGMA integrity_check.',
      'Stop the application before the new file takes the place of the old one, and remove the old files -wal and -shm.',
    ],
  };
}
