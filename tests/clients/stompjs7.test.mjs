// @stomp/stompjs 7, over WebSocket and over every SockJS transport that its client has in Node.

import assert from 'node:assert/strict';
import SockJS from 'sockjs-client';
import { Client } from '@stomp/stompjs';
import WebSocket from 'ws';
import { test } from '../lib/test.mjs';
import { sharedStack } from '../lib/stack.mjs';

const stack = sharedStack({ gateway: { heartbeat: { send: '500ms', receive: '500ms' } } });
const TEXT = '안녕하세요 🐟 "quoted" \\ : \u2028';

const overWebSocket = (path) => (programs) => ({ brokerURL: `ws://127.0.0.1:${programs.port}${path}` });
const overSockJs = (transport) => (programs) => ({
  webSocketFactory: () => new SockJS(`${programs.url}/ws`, null, { transports: [transport], timeout: 10_000 }),
});

const WAYS = {
  'WebSocket at /ws/websocket': overWebSocket('/ws/websocket'),
  'WebSocket at /stomp': overWebSocket('/stomp'),
  'SockJS websocket': overSockJs('websocket'),
  'SockJS xhr-streaming': overSockJs('xhr-streaming'),
  'SockJS xhr-polling': overSockJs('xhr-polling'),
  'SockJS eventsource': overSockJs('eventsource'),
};

globalThis.WebSocket ??= WebSocket; // Node 18 has none

/** A connected client; any error of its conversation rejects `failed`. */
async function connect(way, options = {}) {
  const programs = await stack();
  const client = new Client({ reconnectDelay: 0, ...way(programs), ...options });
  client.failed = new Promise((_, reject) => {
    client.onStompError = (frame) => reject(new Error(`ERROR ${frame.headers.message}`));
    client.onUnhandledMessage = (frame) => reject(new Error(`nobody's message ${frame}`));
  });
  client.failed.catch(() => {});
  await Promise.race([client.failed, new Promise((resolve, reject) => {
    client.onConnect = resolve;
    client.onWebSocketClose = (event) => reject(new Error(`closed ${event.code} ${event.reason}`));
    client.activate();
  })]);
  return client;
}

const receipt = (client, id) => Promise.race([client.failed, new Promise((resolve) => client.watchForReceipt(id, resolve))]);

/** Subscribes; the answer's next() gives messages one by one. */
async function subscribe(client, destination, headers = {}) {
  const waiting = [];
  let wake = () => {};
  const id = `r-${Math.random()}`;
  const answered = receipt(client, id);
  const subscription = client.subscribe(destination, (message) => {
    waiting.push(message);
    wake();
  }, { receipt: id, ...headers });
  await answered;
  const next = async () => {
    while (waiting.length === 0) {
      await Promise.race([client.failed, new Promise((resolve) => {
        wake = resolve;
      })]);
    }
    return waiting.shift();
  };
  return { next, subscription };
}

async function disconnect(client) {
  const disconnected = new Promise((resolve) => {
    client.onDisconnect = resolve;
  });
  const closed = new Promise((resolve) => {
    client.onWebSocketClose = resolve;
  });
  client.deactivate();
  await Promise.race([client.failed, disconnected]);
  await closed;
}

for (const [name, way] of Object.entries(WAYS)) {
  test(`${name}: connect, subscribe, send, receive, unsubscribe, disconnect`, async () => {
    const destination = `/topic/${name.replaceAll(' ', '-')}`;
    const client = await connect(way);
    const { next, subscription } = await subscribe(client, destination);
    client.publish({ destination, body: TEXT, headers: { 'my-header': 'a:b\\d', 'content-type': 'text/plain' } });
    const message = await next();
    assert.equal(message.body, TEXT);
    assert.equal(message.headers.destination, destination);
    assert.equal(message.headers['my-header'], 'a:b\\d');
    assert.equal(message.headers['content-type'], 'text/plain');
    for (let i = 0; i < 100; i++) {
      client.publish({ destination, body: String(i) });
    }
    for (let i = 0; i < 100; i++) {
      assert.equal((await next()).body, String(i));
    }
    const id = 'unsubscribed';
    const answered = receipt(client, id);
    subscription.unsubscribe({ receipt: id });
    await answered;
    await disconnect(client);
  });

  test(`${name}: heart-beats keep it, both ways`, async () => {
    const beats = { sent: 0, received: 0 };
    const client = await connect(way, {
      heartbeatIncoming: 500,
      heartbeatOutgoing: 500,
      debug: (text) => {
        beats.sent += text === '>>> PING' ? 1 : 0;
        beats.received += text === '<<< PONG' ? 1 : 0;
        wake();
      },
    });
    await Promise.race([client.failed, (async () => {
      while (beats.sent < 3 || beats.received < 3) {
        await new Promise((resolve) => {
          wakeUp = resolve;
        });
      }
    })()]);
    await disconnect(client);
  });
}

let wakeUp = () => {};
function wake() {
  wakeUp();
}

test('each version that it offers', async () => {
  for (const version of ['1.0', '1.1', '1.2']) {
    const client = await connect(WAYS['WebSocket at /stomp'], { stompVersions: { versions: [version], protocolVersions: () => [`v${version.replace('.', '')}.stomp`], supportedVersions: () => version } });
    assert.equal(client.connectedVersion, version);
    const { next } = await subscribe(client, '/topic/versions');
    client.publish({ destination: '/topic/versions', body: TEXT });
    assert.equal((await next()).body, TEXT);
    await disconnect(client);
  }
});

test('ack, nack and transactions in each version', async () => {
  for (const version of ['1.0', '1.1', '1.2']) {
    const client = await connect(WAYS['WebSocket at /stomp'], { stompVersions: { versions: [version], protocolVersions: () => [`v${version.replace('.', '')}.stomp`], supportedVersions: () => version } });
    const destination = '/topic/acknowledged';
    const { next } = await subscribe(client, destination, { ack: 'client-individual', id: 's' });
    const transaction = client.begin();
    client.publish({ destination, body: 'inside', headers: { transaction: transaction.id } });
    client.publish({ destination, body: 'outside' });
    const outside = await next();
    assert.equal(outside.body, 'outside');
    outside.ack({ transaction: transaction.id });
    transaction.commit();
    const inside = await next();
    assert.equal(inside.body, 'inside');
    const taken = receipt(client, 'nacked');
    inside.nack({ receipt: 'nacked' });
    await taken;
    await disconnect(client);
  }
});

test('a binary body arrives as the same bytes', async () => {
  const client = await connect(WAYS['WebSocket at /ws/websocket']);
  const { next } = await subscribe(client, '/topic/binary');
  const binaryBody = Uint8Array.from({ length: 256 }, (_, i) => i);
  client.publish({ destination: '/topic/binary', binaryBody, headers: { 'content-type': 'application/octet-stream' } });
  assert.deepEqual([...(await next()).binaryBody], [...binaryBody]);
  await disconnect(client);
});

test('frames that it splits arrive whole', async () => {
  const client = await connect(WAYS['WebSocket at /stomp'], { splitLargeFrames: true });
  const { next } = await subscribe(client, '/topic/split');
  const body = '가🐟'.repeat(5000);
  client.publish({ destination: '/topic/split', body });
  assert.ok((await next()).body === body);
  await disconnect(client);
});

test('an ERROR reaches it, and then the close', async () => {
  const client = await connect(WAYS['WebSocket at /stomp']);
  const closed = new Promise((resolve) => {
    client.onWebSocketClose = resolve;
  });
  const error = new Promise((resolve) => {
    client.onStompError = resolve;
  });
  client.publish({ destination: '', body: '' });
  assert.ok((await error).headers.message);
  assert.equal((await closed).code, 1002);
  await client.deactivate();
});
