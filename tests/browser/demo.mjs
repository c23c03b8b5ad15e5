// What a visitor of the demo does, by the names that the page gives its parts.

import { demoRoot } from './browser.mjs';

/** As `./dev run` serves it: same origin only. */
export const DEMO = {
  gateway: {
    endpoints: [{ path: '/ws', sockjs: true, jsonp: true }],
    pages: [{ path: '/', root: demoRoot }],
  },
};

export const connected = (page) => page.waitForFunction(() => window.chat?.connected && window.chat.roundTrip !== null);

/** Opens the demo in a window of its own and waits for its connection. */
export async function enter(openPage, base, { name, room = 'lobby', transport, options } = {}) {
  const query = new URLSearchParams({ ...(name && { name }), ...(transport && { transport }) });
  const page = await openPage(`${base}/?${query}#${encodeURIComponent(room)}`, options);
  await connected(page);
  return page;
}

export const box = (page) => page.getByRole('textbox', { name: 'Message' });
export const line = (page, text) => page.getByRole('log').getByText(text, { exact: true });

/** Types and sends; resolves when `page` has its echo and each of `others` shows the text. */
export async function say(page, others, text) {
  await box(page).fill(text);
  await box(page).press('Enter');
  await page.waitForFunction((wanted) => window.chat.messages.some((one) => one.text === wanted && one.state === 'sent'), text);
  for (const other of others) {
    await line(other, text).waitFor();
  }
}

export const texts = (page) => page.evaluate(() => window.chat.messages.map(({ name, text }) => `${name}: ${text}`));
