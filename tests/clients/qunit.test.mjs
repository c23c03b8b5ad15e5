// The 27 QUnit tests that the stompjs 2.3.3 package ships, in Chromium. What they ask for is a server, jQuery, and five values
// in their config.js; nothing else of the package is changed.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { test } from '../lib/test.mjs';
import { sharedStack } from '../lib/stack.mjs';

const stack = sharedStack();
const modules = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../node_modules');
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css' };
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const COUNT = 27;

// Collects what this QUnit of 2009 tells.
const COLLECT = `
;(function () {
  var found = window.found = { tests: [], isDone: false }, module = '';
  QUnit.moduleStart = function (name) { module = name; };
  QUnit.testDone = function (name, bad, total) { found.tests.push({ name: module + ': ' + name, bad: bad, total: total }); };
  QUnit.done = function () { found.isDone = true; };
})();`;

function config(values) {
  let text = readFileSync(path.join(modules, 'stompjs/browsertests/unit/config.js'), 'utf8');
  for (const [name, value] of Object.entries(values)) {
    const setting = new RegExp(`(\\b${name}\\s*:\\s*)("[^"]*"|\\d+)`);
    assert.match(text, setting);
    text = text.replace(setting, (_, start) => start + JSON.stringify(value));
  }
  return text + COLLECT;
}

async function servePages(configText) {
  const server = http.createServer((request, response) => {
    const name = new URL(request.url, 'http://localhost').pathname;
    const file = path.join(modules, 'stompjs', path.normalize(name));
    const isThere = existsSync(file) && statSync(file).isFile();
    response.writeHead(isThere ? 200 : 404, { 'content-type': TYPES[path.extname(name)] ?? 'application/octet-stream' });
    response.end(name.endsWith('/unit/config.js') ? configText : isThere ? readFileSync(file) : '');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** An address where nobody listens. */
async function badPort() {
  const server = net.createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function runPage(values) {
  const server = await servePages(config(values));
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-dev-shm-usage', '--disable-component-update'],
  });
  try {
    const page = await browser.newPage();
    const errors = [];
    page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => {
      /^ERROR\n/.test(String(payload)) && errors.push(/\nmessage:(.*)/.exec(String(payload))?.[1]);
    }));
    await page.route(({ hostname }) => hostname !== '127.0.0.1', (route) => route.fulfill({
      contentType: 'text/javascript', body: readFileSync(path.join(modules, 'jquery/dist/jquery.js')),
    }));
    await page.goto(`http://127.0.0.1:${server.address().port}/browsertests/index.html`);
    await page.waitForFunction((count) => window.found?.isDone && window.found.tests.length >= count, COUNT, { timeout: 100_000 });
    return { ...(await page.evaluate(() => window.found)), errors };
  } finally {
    await browser.close();
    server.closeAllConnections();
    server.close();
  }
}

test('stompjs 2.3.3: its own 27 tests', async () => {
  if (!existsSync(CHROMIUM)) {
    assert.ok(!process.env.SLUICE_REQUIRE_ALL, 'Chromium is there');
    console.log('     skipped: no Chromium');
    return;
  }
  const programs = await stack();
  const { tests, errors } = await runPage({
    url: `ws://127.0.0.1:${programs.port}/stomp`,
    badUrl: `ws://127.0.0.1:${await badPort()}`,
    destination: '/topic/chat.general', login: 'guest', password: 'guest', timeout: 3000,
  });
  assert.equal(tests.length, COUNT);
  const failed = tests.filter(({ bad }) => bad > 0).map(({ name }) => name);
  assert.deepEqual(failed, [], `ERRORs: ${errors.join('; ')}`);
  // Those about connect()'s arguments open a WebSocket each and never speak.
  assert.deepEqual(errors.filter((message) => !message.includes('login deadline')), []);
});
