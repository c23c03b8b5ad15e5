// One publisher, 1,000 subscribers over WebSocket: by the gateway's own counters a message costs one DELIVERED and one
// encoding, and few writes. The generator (tests/bench/fanout.c) checks that each subscriber gets each message once, in order.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { buildDir, test } from '../lib/test.mjs';
import { withStack } from '../lib/stack.mjs';

const SUBSCRIBERS = 1000;

async function generate(programs, messages, window) {
  const options = { port: programs.port, subscribers: SUBSCRIBERS, messages, warmup: 0, window, pids: programs.gateways[0].child.pid };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(path.join(buildDir(), 'tests/bench/fanout'), args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (text) => {
    errors += text;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.equal(code, 0, errors);
}

/** The counters of a gateway that did nothing else. */
async function measure(messages, window) {
  const config = { gateway: { limits: { connections: 2000, queue_size: '4MiB' } } };
  const { gateways: [{ stats }] } = await withStack(config, (programs) => generate(programs, messages, window));
  return stats;
}

test('one encoding a message, and send calls as the window allows', async () => {
  const idle = await measure(0, 1);
  assert.equal(idle.encodings, 0);
  for (const [messages, window, limit] of [[20, 1, 1], [160, 16, 0.25]]) {
    const stats = await measure(messages, window);
    assert.equal(stats.delivered_messages, messages, 'one DELIVERED a message');
    assert.equal(stats.encodings, messages, 'one encoding a message');
    assert.equal(stats.deliveries, messages * SUBSCRIBERS);
    const calls = (stats.send_calls - idle.send_calls) / stats.deliveries;
    console.log(`     window ${window}: ${calls.toFixed(3)} send calls a delivery`);
    assert.ok(calls <= limit, `${calls} send calls a delivery with ${window} under way`);
  }
});
