// Two pages, two rooms, 200 numbered messages each way, for each version of the client, transport and origin:
// none is lost, none comes twice, each room is in order, and the gateway says that the transport is the one asked for.

import assert from 'node:assert/strict';
import { test } from '../lib/test.mjs';
import { withStack } from '../lib/stack.mjs';
import { leanRoot, withElsewhere, withPages } from './browser.mjs';

const COUNT = 200;
const LIMIT = { limitMs: 40_000 };
const ROOMS = ['harbour', '항구-⚓'];
const TRANSPORTS = [
  'websocket', 'xhr-streaming', 'xhr-polling', 'eventsource', 'htmlfile', 'jsonp-polling',
  'iframe-eventsource', 'iframe-htmlfile', 'iframe-xhr-polling',
];
const ONLY_SAME_ORIGIN = ['htmlfile']; // the client does not offer it elsewhere

const library = (version) => `/page/sockjs-${version}.min.js`;

/** The endpoint as one would write it for pages of the same origin, and one open to all. */
const config = (version) => ({
  gateway: {
    endpoints: [
      { path: '/ws', sockjs: true, jsonp: true, client_library: library(version) },
      { path: '/open', sockjs: true, allowed_origins: ['*'], client_library: library(version) },
    ],
    pages: [{ path: '/page', root: leanRoot }],
  },
});

/** Both rooms of one sender: every number once, in order, with its text as it was sent. */
function assertHeard(heard, what) {
  for (const [index, room] of ROOMS.entries()) {
    const numbers = heard.filter((one) => one.room === room).map(({ n }) => n);
    const sent = Array.from({ length: COUNT / ROOMS.length }, (_, i) => i * ROOMS.length + index);
    assert.deepEqual(numbers, sent, `${what} in ${room}`);
  }
  assert.ok(heard.every(({ isWhole }) => isWhole), `${what}: the text and the destination are as sent`);
}

async function assertTransport(stack, { transport, session }, asked, endpoint) {
  assert.equal(transport, asked, 'the transport that the client says');
  const { fields } = await stack.gateways[0].waitFor(
    ({ event, fields: found }) => event === 'session_opened' && found.session === session,
  );
  assert.equal(`${fields.transport} ${fields.endpoint}`, `${asked.replace('iframe-', '')} ${endpoint}`);
}

async function converse(stack, [ann, bo], asked, endpoint) {
  const options = { endpoint: `${stack.url}${endpoint}`, transport: asked, rooms: ROOMS };
  for (const page of [ann, bo]) {
    await assertTransport(stack, await page.evaluate((o) => lean.open(o), options), asked, endpoint);
  }
  await Promise.all([
    ann.evaluate((count) => lean.talk({ name: 'Ann', count }), COUNT),
    bo.evaluate((count) => lean.talk({ name: '보경 🐟', count }), COUNT),
  ]);
  for (const page of [ann, bo]) {
    for (const name of ['Ann', '보경 🐟']) {
      await page.evaluate((o) => lean.hear(o), { name, count: COUNT });
    }
  }
  // What comes twice would come before the answer to something said afterwards.
  await ann.evaluate(() => lean.talk({ name: 'end', count: 2 }));
  for (const [page, who] of [[ann, 'Ann'], [bo, 'Bo']]) {
    await page.evaluate(() => lean.hear({ name: 'end', count: 2 }));
    assertHeard(await page.evaluate(() => lean.of('Ann')), `${who} hears Ann`);
    assertHeard(await page.evaluate(() => lean.of('보경 🐟')), `${who} hears Bo`);
  }
  await Promise.all([ann, bo].map((page) => page.evaluate(() => lean.leave())));
}

const openTwo = (openPage, base, version) =>
  Promise.all([0, 1].map(() => openPage(`${base}/lean.html?client=${version}`)));

for (const version of ['1.6.1', '1.1.2']) {
  for (const transport of TRANSPORTS) {
    test(`sockjs-client ${version} ${transport}, same origin`, () => withStack(config(version), (stack) =>
      withPages(async (openPage) => {
        await converse(stack, await openTwo(openPage, `${stack.url}/page`, version), transport, '/ws');
      })), LIMIT);
    if (!ONLY_SAME_ORIGIN.includes(transport)) {
      test(`sockjs-client ${version} ${transport}, cross origin`, () => withStack(config(version), (stack) =>
        withElsewhere((base) => withPages(async (openPage) => {
          await converse(stack, await openTwo(openPage, base, version), transport, '/open');
        }))), LIMIT);
    }
  }
}
