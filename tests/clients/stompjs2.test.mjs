// stompjs 2.3.3, which cuts its frames at 16,384 UTF-16 units wherever that falls, over WebSocket and over SockJS.

import assert from 'node:assert/strict';
import SockJS from 'sockjs-client';
import Stomp from 'stompjs';
import WebSocket from 'ws';
import { test } from '../lib/test.mjs';
import { sharedStack } from '../lib/stack.mjs';

const stack = sharedStack({ gateway: { limits: { message_size: '1MiB', sockjs_body_size: '4MiB', queue_size: '8MiB' } } });

const sockJs = (transport) => (programs) => new SockJS(`${programs.url}/ws`, null, { transports: [transport], timeout: 10_000 });
const WAYS = {
  WebSocket: (programs) => new WebSocket(`ws://127.0.0.1:${programs.port}/stomp`, ['v10.stomp', 'v11.stomp']),
  'SockJS websocket': sockJs('websocket'),
  'SockJS xhr-streaming': sockJs('xhr-streaming'),
  'SockJS xhr-polling': sockJs('xhr-polling'),
  'SockJS eventsource': sockJs('eventsource'),
};

// One emoji begins at an odd place, so one of them lies across each cut.
const LARGE = `x${'🐟'.repeat(9000)}${'가나다라마바사 🎉'.repeat(10_000)}`;
// A WebSocket of its own cannot carry half an emoji: the client damages such a frame before it leaves.
const KOREAN = '가나다라마바사'.repeat(10_000);
assert.ok(Buffer.byteLength(LARGE) > 200_000 && Buffer.byteLength(KOREAN) > 200_000);

for (const [name, way] of Object.entries(WAYS)) {
  test(`${name}: connect, subscribe, send 200 KB of Korean and emoji, receive, unsubscribe, disconnect`, async () => {
    const programs = await stack();
    const client = Stomp.over(way(programs));
    client.debug = () => {};
    let fail;
    const failed = new Promise((_, reject) => {
      fail = (error) => reject(new Error(`${name}: ${error}`));
    });
    failed.catch(() => {});
    await Promise.race([failed, new Promise((resolve) => {
      client.connect({ login: 'guest', passcode: 'guest' }, resolve, fail);
    })]);
    assert.equal(client.ws.protocol || 'v11.stomp', 'v11.stomp');
    const destination = `/topic/stompjs2-${name.replace(' ', '-')}`;
    const found = [];
    let wake = () => {};
    const subscription = client.subscribe(destination, (message) => {
      found.push(message);
      wake();
    });
    const bodies = ['hello', name === 'WebSocket' ? KOREAN : LARGE, JSON.stringify({ text: '안녕 🐟' }), 'last'];
    bodies.forEach((body, i) => client.send(destination, { n: i }, body));
    while (found.length < bodies.length) {
      await Promise.race([failed, new Promise((resolve) => {
        wake = resolve;
      })]);
    }
    found.forEach((message, i) => {
      assert.equal(message.headers.n, String(i));
      assert.equal(message.headers.subscription, subscription.id);
      assert.ok(message.body === bodies[i], `body ${i} of ${message.body.length} is whole`);
    });
    const receipt = new Promise((resolve) => {
      client.onreceipt = (frame) => resolve(frame.headers['receipt-id']);
    });
    client.send('/topic/none', { receipt: 'r1' }, '');
    assert.equal(await receipt, 'r1');
    subscription.unsubscribe();
    await new Promise((resolve) => client.disconnect(resolve));
  });
}
