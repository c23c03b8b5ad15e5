// Two pages, two rooms, 200 numbered messages each way through HAProxy without affinity, on every transport.

import { withPages } from '../browser/browser.mjs';
import { test } from '../lib/test.mjs';
import { assertHeard, openLean, settle, talk, TRANSPORTS } from './talk.mjs';

const COUNT = 200;
const ROOMS = ['harbour', '항구-⚓'];
const NAMES = ['Ann', '보경 🐟'];

for (const transport of TRANSPORTS) {
  test(`${transport} through the balancer: none lost, none twice, in order`, () => withPages(async (openPage) => {
    const pages = await Promise.all(NAMES.map(() => openLean(openPage, transport, ROOMS)));
    await Promise.all(pages.map((page, index) => talk(page, NAMES[index], COUNT)));
    await Promise.all(pages.flatMap((page) => NAMES.map((name) => page.evaluate((o) => lean.hear(o), { name, count: COUNT }))));
    await settle(pages);
    for (const [index, page] of pages.entries()) {
      for (const name of NAMES) {
        await assertHeard(page, name, COUNT, ROOMS, NAMES[index]);
      }
    }
    await Promise.all(pages.map((page) => page.evaluate(() => lean.leave())));
  }));
}
