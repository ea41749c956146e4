import * as z from 'zod';
import type { ApiRoute } from '../../route.ts';
import { isKeyed } from '../../route.ts';

/** What holds for a route beside its fields, in sentences. */
export function remarksOn(route: ApiRoute): readonly string[] {
  const query = route.query instanceof z.ZodObject ? Object.keys(route.query.shape) : [];
  const { readonlyFields } = route;
  return [
    ...(isKeyed(route)
      ? [
          'Takes an Idempotency-Key: sent again within 24 hours, it is answered as the first time and not done again.',
        ]
      : []),
    ...(route.isReading ? ['Changes nothing, whatever its method.'] : []),
    ...(query.includes('wait')
      ? ['A session or token may wait 10 times at once: above that, it is answered at once.']
      : []),
    ...(readonlyFields.length > 0
      ? [`Fields that only the server sets are refused: ${readonlyFields.join(', ')}.`]
      : []),
    ...(route.isForSettingUp ? ['Open to whoever still has to set up a second factor.'] : []),
  ];
}
