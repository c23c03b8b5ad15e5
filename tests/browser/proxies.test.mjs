// The chat goes on behind the proxies that SockJS exists for: without Upgrade it streams over XHR, behind one that buffers
// it polls, and where idle connections are cut after 15 s the heart-beats of STOMP (10 s) keep it alive.

import assert from 'node:assert/strict';
import { test } from '../lib/test.mjs';
import { withStack } from '../lib/stack.mjs';
import { buffer, cutIdle, dropUpgrade, withProxy } from '../lib/proxies.mjs';
import { leanRoot, withPages } from './browser.mjs';
import { DEMO, enter, say } from './demo.mjs';

const IDLE_MS = 15_000;
const CUT_LIMIT_MS = 45_000;

async function talkBothWays(ann, bo) {
  for (const text of ['hello', '안녕하세요 🙂', 'once more']) {
    await say(ann, [bo], `${text}, said Ann`);
    await say(bo, [ann], `${text}, said Bo`);
  }
}

async function chatThrough(stack, proxy, transport) {
  await withPages(async (openPage) => {
    openPage.expectErrors('WebSocket connection to', '400 (Bad Request)', 'ERR_');
    const [ann, bo] = await Promise.all(['Ann', 'Bo'].map((name) => enter(openPage, proxy.url, { name, room: 'lock' })));
    for (const page of [ann, bo]) {
      await page.getByRole('button', { name: transport }).waitFor(); // the chip says what is in use
      assert.equal(await page.evaluate(() => window.chat.transport), transport);
    }
    await talkBothWays(ann, bo);
  });
  assert.ok(proxy.counts.upgrades > 0, 'WebSocket was tried');
}

test('a proxy that drops Upgrade: the chat streams over XHR', () => withStack(DEMO, async (stack) => {
  await withProxy(await dropUpgrade(stack.port), (proxy) => chatThrough(stack, proxy, 'xhr-streaming'));
}));

test('a proxy that buffers whole responses: the chat polls', () => withStack(DEMO, async (stack) => {
  await withProxy(await buffer(stack.port), (proxy) => chatThrough(stack, proxy, 'xhr-polling'));
}));

const LEAN = { gateway: { pages: [{ path: '/page', root: leanRoot }], endpoints: [{ path: '/ws', sockjs: true, jsonp: true }] } };
const TRANSPORTS = ['websocket', 'xhr-streaming', 'xhr-polling', 'eventsource', 'jsonp-polling'];

/** A page of one transport that says nothing until the connection without heart-beats is cut, and 12 s longer. */
async function staySilent(openPage, base, transport, isLongEnough) {
  const page = await openPage(`${base}/page/lean.html?client=1.6.1`);
  await page.evaluate((o) => lean.open(o), { endpoint: `${base}/ws`, transport, rooms: ['lock'] });
  await isLongEnough;
  await page.evaluate((name) => lean.talk({ name, count: 3 }), transport);
  for (const name of TRANSPORTS) {
    await page.evaluate((who) => lean.hear({ name: who, count: 3 }), name);
  }
  await page.evaluate(() => lean.leave());
}

test('a proxy that cuts what is idle for 15 s: heart-beats keep every transport alive', () => withStack(LEAN, async (stack) => {
  await withProxy(await cutIdle(stack.port, IDLE_MS), (proxy) => withPages(async (openPage) => {
    const base = proxy.url;
    const beatless = async () => {
      const page = await openPage(`${base}/page/lean.html?client=1.6.1`);
      const options = { endpoint: `${base}/ws`, transport: 'websocket', rooms: ['lock'], heartBeatMs: 0 };
      await page.evaluate((o) => lean.open(o), options);
      await page.waitForFunction(() => lean.ended !== null, null, { timeout: CUT_LIMIT_MS });
    };
    const cut = beatless(); // twice, one after the other: silence for more than one period
    const isLongEnough = cut.then(beatless);
    await Promise.all([isLongEnough, ...TRANSPORTS.map((transport) => staySilent(openPage, base, transport, isLongEnough))]);
    assert.ok(proxy.counts.cut >= 2, 'the proxy cuts');
  }));
}));
