// Chromium, the pages it opens, and what each of them must not do (errors that nobody expected).

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const TESTS = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const CHAT = path.resolve(TESTS, '../examples/chat');
const ARGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
];

/** The folder of the lean page, with both versions of the client beside it. */
export const leanRoot = mkdtempSync(path.join(tmpdir(), 'sluice-page-'));
for (const [from, to] of [
  ['browser/page/lean.html', 'lean.html'],
  ['browser/page/lean.js', 'lean.js'],
  ['node_modules/sockjs-client/dist/sockjs.min.js', 'sockjs-1.6.1.min.js'],
  ['node_modules/sockjs-client-old/dist/sockjs.min.js', 'sockjs-1.1.2.min.js'],
  ['node_modules/@stomp/stompjs/bundles/stomp.umd.min.js', 'stomp.umd.min.js'],
]) {
  copyFileSync(path.join(TESTS, from), path.join(leanRoot, to));
}
process.on('exit', () => rmSync(leanRoot, { recursive: true }));

/** The demo's own folder, with its libraries in it. */
export const demoRoot = path.join(CHAT, 'public');
execFileSync(path.join(CHAT, 'install.sh'), { stdio: 'inherit' });

let launched = null;
let shots = null;

function browser() {
  launched ??= chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: ARGS });
  return launched;
}

/** Where this run's screenshots are. */
export function shotsDir() {
  if (shots === null) {
    shots = mkdtempSync(path.join(tmpdir(), 'sluice-screens-'));
    console.log(`screenshots: ${shots}`);
  }
  return shots;
}

/** Contexts of one test: `body(openPage)`. Errors in the pages but the expected ones fail it, thrown ones at once. */
export async function withPages(body) {
  const contexts = [];
  const faults = [];
  const expected = [];
  let giveUp;
  const broken = new Promise((_, reject) => {
    giveUp = reject;
  });
  const openPage = async (url, options = {}) => {
    const context = await (await browser()).newContext(options);
    contexts.push(context);
    const page = await context.newPage();
    page.on('pageerror', (error) => {
      faults.push(`pageerror ${error.message}`);
      giveUp(new Error('a page threw'));
    });
    page.on('console', (line) => {
      if (line.type() === 'error') {
        faults.push(`console ${line.text()} ${line.location().url}`);
      }
    });
    await page.goto(url);
    return page;
  };
  openPage.expectErrors = (...parts) => expected.push(...parts);
  try {
    await Promise.race([body(openPage), broken]);
    assert.deepEqual(faults.filter((fault) => !expected.some((part) => fault.includes(part))), [], 'errors in the pages');
  } catch (error) {
    error.message += faults.length > 0 ? `\n--- page errors ---\n${faults.slice(0, 10).join('\n')}` : '';
    throw error;
  } finally {
    await Promise.all(contexts.map((context) => context.close()));
  }
}

const TYPES = { '.html': 'text/html; charset=UTF-8', '.js': 'text/javascript; charset=UTF-8' };

/** Serves the lean page from another site than the gateway's (localhost is not 127.0.0.1). */
export async function withElsewhere(body) {
  const server = http.createServer((request, response) => {
    const name = path.basename(new URL(request.url, 'http://localhost').pathname);
    try {
      const file = readFileSync(path.join(leanRoot, name));
      response.writeHead(200, { 'content-type': TYPES[path.extname(name)] ?? 'application/octet-stream' });
      response.end(file);
    } catch {
      response.writeHead(404);
      response.end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await body(`http://localhost:${server.address().port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
