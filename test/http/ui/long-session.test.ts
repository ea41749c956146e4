import { expect, it } from 'vitest';
import { openPages } from './pages.ts';

it('A session of years is begun with a cookie for as long as browsers keep one', async () => {
  const pages = await openPages({ SESSION_TTL: '3650d' });
  const admin = await pages.signedIn('admin');
  expect((await admin.get('/account')).status).toBe(200);
  await pages.close();
});
