import * as z from 'zod';

/** Shapes that several answers share. */
export const success = z.object({ success: z.literal(true) });
export const SUCCESS = { success: true } as const;

export const id = z.string();
export const instant = z.iso.datetime({ precision: 3 });
export const total = z.number().int();

/** What is on its way to somebody, or was sent or given up. */
export const delivery = z.object({
  ...{ id, event: z.string(), status: z.enum(['pending', 'delivered', 'failed']) },
  attempts: z.number().int(),
  nextAttemptAt: instant.nullable(),
  lastError: z.string().nullable(),
  responseStatus: z.number().int().nullable(),
  createdAt: instant,
  deliveredAt: instant.nullable(),
});

/** `?limit=&offset=` with this default; a limit above 1000 is taken as 1000. */
export function pageQuery(defaultLimit: number) {
  return z.object({
    limit: wholeNumber
      .transform((limit) => Math.min(limit, 1000))
      .default(defaultLimit)
      .describe('how many rows; above 1000 it counts as 1000'),
    offset: wholeNumber.default(0).describe('how many rows are left out before them'),
  });
}

/** `?wait=`: how many seconds the answer waits for the end, at most; none unless asked for. */
export const waitQuery = z.object({
  wait: z
    .string()
    .regex(/^\d{1,3}$/, { error: 'Must be whole seconds' })
    .transform(Number)
    .refine((seconds) => seconds <= 600, { error: 'Must be at most 600 seconds' })
    .optional()
    .describe('how many seconds the answer may wait for the end, at most 600'),
});

const wholeNumber = z
  .string()
  .regex(/^\d{1,9}$/, { error: 'Must be a whole number' })
  .transform(Number);
