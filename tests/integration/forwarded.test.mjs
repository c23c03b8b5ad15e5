// Behind a proxy: what it says of scheme, host and port is believed if it is listed, and then a page of that origin is at home.

import assert from 'node:assert/strict';
import WebSocket from 'ws';
import { fetchOnce } from '../lib/http.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { test } from '../lib/test.mjs';

const ENDPOINTS = [{ path: '/ws', sockjs: true }];
const behind = sharedStack({ gateway: { endpoints: ENDPOINTS, trusted_proxies: ['10.0.0.0/8', '127.0.0.1'] } });
const alone = sharedStack({ gateway: { endpoints: ENDPOINTS } });
const others = sharedStack({ gateway: { endpoints: ENDPOINTS, trusted_proxies: ['10.0.0.0/8', '::1'] } });

const status = async (stack, headers) => (await fetchOnce((await stack()).port, 'GET', '/ws/info', { headers: { Host: 'inside:8080', ...headers } })).status;

/** [what the proxy says, the page's origin, is it at home behind a listed proxy] */
const TABLE = [
  [{}, 'http://inside:8080', true],
  [{}, 'https://inside:8080', false],
  [{ 'X-Forwarded-Proto': 'https' }, 'https://inside:8080', true],
  [{ 'X-Forwarded-Proto': 'https' }, 'http://inside:8080', false],
  [{ 'X-Forwarded-Proto': 'https', Host: 'chat.test' }, 'https://chat.test', true],
  [{ 'X-Forwarded-Proto': 'wss', Host: 'chat.test' }, 'https://chat.test:443', true],
  [{ 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'chat.test' }, 'https://chat.test', true],
  [{ 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'chat.test:8443' }, 'https://chat.test:8443', true],
  [{ 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'chat.test', 'X-Forwarded-Port': '8443' }, 'https://chat.test:8443', true],
  [{ 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'chat.test', 'X-Forwarded-Port': '8443' }, 'https://chat.test', false],
  [{ 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'evil.test, chat.test' }, 'https://chat.test', true],
  [{ 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'evil.test, chat.test' }, 'https://evil.test', false],
  [{ 'X-Forwarded-Proto': 'http, https', 'X-Forwarded-Host': 'chat.test' }, 'https://chat.test', true],
  [{ 'X-Forwarded-Proto': 'gopher', 'X-Forwarded-Host': 'chat.test' }, 'http://chat.test', true],
  [{ Forwarded: 'for=192.0.2.60;proto=https;host=chat.test' }, 'https://chat.test', true],
  [{ Forwarded: 'for=192.0.2.60; Proto=HTTPS; Host="chat.test:8443"' }, 'https://chat.test:8443', true],
  [{ Forwarded: 'proto=https;host=evil.test, proto=https;host=chat.test' }, 'https://chat.test', true],
  [{ Forwarded: 'proto=https;host=evil.test, proto=https;host=chat.test' }, 'https://evil.test', false],
  [{ Forwarded: 'proto=http;host=chat.test', 'X-Forwarded-Host': 'evil.test' }, 'http://evil.test', false],
  [{ Forwarded: 'nonsense;=;;host' }, 'http://inside:8080', true],
  [{ 'X-Forwarded-Host': 'a b' }, 'http://inside:8080', false],
];

for (const [headers, origin, isHome] of TABLE) {
  test(`${origin} behind ${JSON.stringify(headers)} is ${isHome ? 'at home' : 'foreign'}`, async () => {
    assert.equal(await status(behind, { ...headers, Origin: origin }), isHome ? 200 : 403);
  });
}

test('nobody else is believed: without a list, or where the peer is not in it, only the socket counts', async () => {
  for (const stack of [alone, others]) {
    for (const [headers, origin] of TABLE.filter(([said]) => Object.keys(said).length > 0)) {
      const isOwn = origin === `http://${headers.Host ?? 'inside:8080'}`;
      assert.equal(await status(stack, { ...headers, Origin: origin }), isOwn ? 200 : 403, `${origin} ${JSON.stringify(headers)}`);
    }
  }
});

test('a WebSocket of a page at https, behind a proxy that ends TLS', async () => {
  const open = (port, headers) => new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/websocket`, { headers: { Host: 'chat.test', 'X-Forwarded-Proto': 'https', ...headers } });
    socket.on('open', () => socket.close());
    socket.on('close', () => resolve('open'));
    socket.on('unexpected-response', (_, response) => {
      response.destroy();
      resolve(response.statusCode);
    });
    socket.on('error', () => {});
  });
  assert.equal(await open((await behind()).port, { Origin: 'https://chat.test' }), 'open');
  assert.equal(await open((await behind()).port, { Origin: 'https://evil.test' }), 403);
  assert.equal(await open((await alone()).port, { Origin: 'https://chat.test' }), 403);
});
