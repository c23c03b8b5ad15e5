// The demo as it ships, its pages and its library out of the image, through the balancer.

import assert from 'node:assert/strict';
import { withPages } from '../browser/browser.mjs';
import { enter, say, texts } from '../browser/demo.mjs';
import { test } from '../lib/test.mjs';
import { BASE } from './talk.mjs';

for (const transport of ['websocket', 'xhr-streaming', 'xhr-polling']) {
  test(`two visitors talk over ${transport}`, () => withPages(async (openPage) => {
    const [ann, bo] = await Promise.all(['Ann', '보경'].map((name) => enter(openPage, BASE, { name, transport, room: transport })));
    for (let i = 0; i < 10; i++) {
      await say(ann, [bo], `Hello ${i} 🙂`);
      await say(bo, [ann], `안녕하세요 ${i}`);
    }
    assert.deepEqual(await texts(ann), await texts(bo), 'both see one order');
    for (const page of [ann, bo]) {
      assert.equal(await page.evaluate(() => window.chat.transport), transport);
      assert.equal(await page.evaluate(() => window.chat.duplicates), 0);
    }
  }));
}
