// Lean pages in Chromium that talk through the balancer, and what must be true of what they heard.

import assert from 'node:assert/strict';

export const BASE = 'http://127.0.0.1:8080';
export const FALLBACKS = [
  'xhr-streaming', 'xhr-polling', 'eventsource', 'htmlfile', 'jsonp-polling',
  'iframe-eventsource', 'iframe-htmlfile', 'iframe-xhr-polling',
];
export const TRANSPORTS = ['websocket', ...FALLBACKS];

/** A page that is connected by that transport and subscribed to the rooms. */
export async function openLean(openPage, transport, rooms) {
  const page = await openPage(`${BASE}/test/lean.html?client=1.6.1`);
  const options = { endpoint: `${BASE}/ws`, transport, rooms };
  const found = await page.evaluate((o) => lean.open(o), options);
  assert.equal(found.transport, transport);
  return page;
}

/** Numbered messages over the page's rooms; resolves when it has its own back. */
export const talk = (page, name, count) => page.evaluate((o) => lean.talk(o), { name, count });

/** The page heard `count` messages of that name: each once, in its room's order, whole. */
export async function assertHeard(page, name, count, rooms, what) {
  const heard = await page.evaluate((o) => lean.hear(o), { name, count });
  for (const [index, room] of rooms.entries()) {
    const numbers = heard.filter((one) => one.room === room).map(({ n }) => n);
    const sent = Array.from({ length: count }, (_, n) => n).filter((n) => n % rooms.length === index);
    assert.deepEqual(numbers, sent, `${what}: ${name} in ${room}`);
  }
  assert.ok(heard.every(({ isWhole }) => isWhole), `${what}: the text and the destination are as sent`);
}

/** What comes twice would come before the answer to something said afterwards. */
export async function settle(pages) {
  for (const [index, page] of pages.entries()) {
    await talk(page, `end${index}`, 2);
  }
}
