import { proveRestores } from './round-trips.ts';

// Each format, compression and place with each other one once; every combination by npm run test:large.
proveRestores({
  postgres: [
    { backupFormat: 'plain', backupCompression: 'zstd', place: 'bucket' },
    { backupFormat: 'custom', backupCompression: 'gzip', place: 'host' },
    { backupFormat: 'custom', backupCompression: 'zstd', place: 'bucket' },
    { backupFormat: 'tar', backupCompression: 'none', place: 'host' },
  ],
  mysql: [{ backupFormat: 'plain', backupCompression: 'zstd', place: 'host' }],
  sqlite: [
    { backupFormat: 'plain', backupCompression: 'none', place: 'bucket' },
    { backupFormat: 'binary', backupCompression: 'zstd', place: 'host' },
  ],
});
