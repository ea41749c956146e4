import { afterAll, beforeAll, expect, it } from 'vitest';
import { openPages, PASSWORD, type Pages } from './pages.ts';

let pages: Pages;
beforeAll(async () => {
  pages = await openPages();
});
afterAll(() => pages.close());

const idsIn = (html: string) =>
  [...html.matchAll(/href="\/account\?end=([\w-]+)"/g)].map(([, id = '']) => id);

it('one’s own sessions are listed, ended one by one after a question, and the own one leads to the sign-in', async () => {
  const [here, there, admin] = [
    await pages.signedIn('viewer'),
    pages.visitor(),
    await pages.signedIn('admin'),
  ];
  const email = /Signed in as <strong>([^<]+)</.exec((await here.get('/account')).html)?.[1] ?? '';
  expect((await there.post('/login', { email, password: PASSWORD })).location).toBe('/');
  const { html } = await here.get('/account');
  const own =
    /a browser<\/span> <span class="badge badge-setting">this one<[\s\S]*?\?end=([\w-]+)"/.exec(html)?.[1] ??
    '';
  const other = idsIn(html).find((id) => id !== own) ?? '';
  expect(idsIn(html).length).toBeGreaterThan(1);
  expect((await admin.get('/account')).html).not.toContain(own);
  expect((await admin.post(`/account/sessions/${own}/end`)).status).toBe(404);
  const asked = (await here.get(`/account?end=${other}`)).html;
  expect(asked).toContain(`action="/account/sessions/${other}/end"`);
  expect(asked).toContain('Whoever uses it must sign in again.');
  for (const id of idsIn(html).filter((each) => each !== own)) {
    const ended = await here.post(`/account/sessions/${id}/end`);
    expect([ended.status, ended.location]).toEqual([303, '/account']);
  }
  const after = (await here.get('/account')).html;
  expect(after).toContain('The session is ended.');
  expect(idsIn(after)).toEqual([own]);
  expect((await there.get('/account')).location).toContain('/login');
  expect((await here.get('/account?end=%3Cscript%3E')).html).not.toContain('<script>');
  const left = await here.post(`/account/sessions/${own}/end`);
  expect([left.status, left.location]).toEqual([303, '/login']);
  expect((await here.get('/account')).location).toContain('/login');
});

it('sessions tell from where they are, and by which browser', async () => {
  const viewer = await pages.signedIn('viewer');
  const { services } = pages;
  const agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:147.0) Gecko/20100101 Firefox/147.0 "<b>';
  await services.db.updateTable('sessions').set({ agent, address: '2001:db8::7' }).execute();
  const { html } = await viewer.get('/account');
  expect(html).toContain('>Firefox on Linux</span>');
  expect(html).toContain('<td data-label="From">2001:db8::7</td>');
  expect(html).toContain('Firefox/147.0 &quot;&lt;b&gt;');
  const [id = ''] = idsIn(html);
  expect((await viewer.get(`/account?end=${id}`)).html).toContain(
    'Begun by Firefox on Linux from 2001:db8::7',
  );
});
