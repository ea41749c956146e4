import * as z from 'zod';
import type { EngineField } from './engine.ts';

const backupCompression = z.enum(['none', 'gzip', 'zstd']);
/** 1 (fast) to 9 (small), for gzip as for zstd. */
const backupCompressionLevel = z.number().int().min(1).max(9);

/** The options of an engine whose dump our process can compress; the wire's own names and defaults. */
export const compressionOptions = {
  backupCompression: backupCompression.default('none'),
  backupCompressionLevel: backupCompressionLevel.default(6),
};

/** The same as the wire's columns. */
export const compressionColumns = {
  backupCompression: backupCompression.optional(),
  backupCompressionLevel: backupCompressionLevel.optional(),
};

/** The form's fields for them. */
export function compressionFields(help?: string): readonly EngineField[] {
  return [
    {
      name: 'backupCompression',
      label: 'Compression',
      widget: 'select',
      choices: [
        { value: 'none', label: 'none' },
        { value: 'gzip', label: 'gzip' },
        { value: 'zstd', label: 'zstd' },
      ],
      ...(help === undefined ? {} : { help }),
    },
    {
      name: 'backupCompressionLevel',
      label: 'Compression level',
      widget: 'number',
      help: '1 is fastest, 9 is smallest.',
    },
  ];
}
