// Replicas and the broker come and go while pages talk.

import assert from 'node:assert/strict';
import { withPages } from '../browser/browser.mjs';
import { connected, enter, say } from '../browser/demo.mjs';
import { until } from '../lib/stack.mjs';
import { test } from '../lib/test.mjs';
import { Composition, GATEWAYS } from './composition.mjs';
import { assertHeard, BASE, FALLBACKS, openLean, settle, talk, TRANSPORTS } from './talk.mjs';

const composition = new Composition(process.argv[2]);

async function metrics({ adminPort }) {
  const response = await fetch(`http://127.0.0.1:${adminPort}/metrics`);
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(lines.map((line) => line.split(' ')).map(([name, value]) => [name.replace('sluice_gateway_', ''), Number(value)]));
}

const isReady = async ({ adminPort }) => {
  try {
    return (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).status === 200;
  } catch {
    return false;
  }
};

test('each gateway takes sessions over and passes bodies on', () => withPages(async (openPage) => {
  const wanted = ['claims_total{result="moved"}', 'yields_total{result="yielded"}', 'relays_total{direction="in"}', 'relays_total{direction="out"}'];
  const page = await openLean(openPage, 'xhr-polling', ['one', 'two']);
  let round = 0;
  await until('all three to have done both', async () => {
    await talk(page, `round ${round++}`, 20);
    const found = await Promise.all(GATEWAYS.slice(0, 3).map(metrics));
    return found.every((one) => wanted.every((series) => one[series] > 0));
  });
}));

test('the broker is restarted: nobody sees a close, and all talk on', () => withPages(async (openPage) => {
  const rooms = ['first', 'second'];
  const pages = await Promise.all(TRANSPORTS.map((transport) => openLean(openPage, transport, rooms)));
  const round = (phase) => Promise.all(pages.map((page, index) => talk(page, `${phase} ${TRANSPORTS[index]}`, 10)));
  await round('before');
  composition.restart('broker');
  await round('after');
  await settle(pages);
  for (const [index, page] of pages.entries()) {
    for (const transport of TRANSPORTS) {
      await assertHeard(page, `after ${transport}`, 10, rooms, TRANSPORTS[index]);
    }
    assert.equal(await page.evaluate(() => lean.ended), null, `${TRANSPORTS[index]} saw no close`);
  }
}));

test('the demo goes on when the replica that serves it is stopped', () => withPages(async (openPage) => {
  openPage.expectErrors('WebSocket connection');
  const [ann, bo] = await Promise.all(['Ann', 'Bo'].map((name) => enter(openPage, BASE, { name, transport: 'websocket' })));
  const server = () => ann.evaluate(() => window.chat.server);
  const before = await server();
  const gateway = GATEWAYS.find(({ name }) => before.includes(name));
  assert.ok(gateway, `the page knows its replica: ${before}`);
  await say(ann, [bo], 'before');
  composition.stop(gateway.service);
  await until('another replica', async () => (await server()) !== before);
  await Promise.all([ann, bo].map(connected));
  await say(ann, [bo], 'after');
  assert.equal(await bo.evaluate(() => window.chat.duplicates), 0);
  composition.start(gateway.service);
  await until('the replica to be back', () => isReady(gateway));
}));

test('a replica is stopped and another added: no fallback client sees a close, nothing is lost', () => withPages(async (openPage) => {
  const rooms = ['here', 'there'];
  const pages = await Promise.all(FALLBACKS.map((transport) => openLean(openPage, transport, rooms)));
  const said = [];
  const round = async (phase, count) => {
    await Promise.all(pages.map((page, index) => talk(page, `${phase} ${FALLBACKS[index]}`, count)));
    said.push([phase, count]);
  };
  await round('before', 20);
  const changes = (async () => {
    composition.stop('gateway2');
    composition.up('gateway4');
    await until('the new replica', () => isReady(GATEWAYS[3]));
  })();
  let isChanging = true;
  changes.finally(() => {
    isChanging = false;
  }).catch(() => {});
  for (let i = 0; isChanging; i++) {
    await round(`during ${i}`, 20);
  }
  await changes;
  await until('the new replica to get requests', async () => (await metrics(GATEWAYS[3])).http_requests_total > 0);
  await round('after', 20);
  await settle(pages);
  for (const [index, page] of pages.entries()) {
    for (const [phase, count] of said) {
      for (const transport of FALLBACKS) {
        await assertHeard(page, `${phase} ${transport}`, count, rooms, FALLBACKS[index]);
      }
    }
    assert.equal(await page.evaluate(() => lean.ended), null, `${FALLBACKS[index]} saw no close`);
  }
}), { limitMs: 120_000 });
