import * as z from 'zod';
import type { EngineField } from './engine.ts';

/** The options of an engine whose dump our process can compress; the wire's own names and defaults. */
export const compressionOptions = {
  backupCompression: z.enum(['none', 'gzip', 'zstd']).default('none'),
  /** 1 (fast) to 9 (small), for gzip as for zstd. */
  backupCompressionLevel: z.number().int().min(1).max(9).default(6),
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
