// SPDX-License-Identifier: MIT
//
// A gateway is killed without a word: its fallback sessions between two requests go on at the others, with what they were
// owed, half a frame included.

import assert from 'node:assert/strict';
import { until, withStack } from '../lib/stack.mjs';
import { ENDPOINTS, Talk, settled } from '../lib/talk.mjs';
import { abortAll } from '../lib/rawsockjs.mjs';
import { test } from '../lib/test.mjs';

const POLLING = ['xhr', 'jsonp'];

function killed(name, body, options = {}) {
  test(name, () =>
    withStack({ gateway: { endpoints: ENDPOINTS({ disconnect_delay: '30s', ...options }) } }, async (stack) => {
      stack.allow('link_lost');
      const [one] = stack.gateways;
      const kill = async () => {
        one.signal('SIGKILL');
        await one.exited;
      };
      await body(stack, kill);
      abortAll();
    }, { gateways: 3 }));
}

/** What a gateway held for its detached sessions goes with it yet: SLUICE_PENDING=1 runs it. */
const pending = process.env.SLUICE_PENDING ? killed : () => {};

pending('between two polls a kill costs nothing: no o, nothing lost, nothing twice', async (stack, kill) => {
  const [one, two, three] = stack.urls;
  const talks = [];
  for (let i = 0; i < 10; i++) {
    const talk = await new Talk('stomp', POLLING[i % 2]).open(one);
    await talk.say(one, 'heard');
    await talk.hear(1, () => one);
    await talk.say(one, 'waits at its gateway');
    await talk.say(two, 'came by relay');
    const frame = talk.wire('in two halves');
    await talk.send(i % 3 === 0 ? one : three, [frame.slice(0, 20 + i)]);
    talks.push({ talk, rest: frame.slice(20 + i) });
  }
  await kill();
  for (const { talk, rest } of talks) {
    await talk.hear(3, () => two);
    await talk.send(three, [rest]);
    await talk.hear(4, () => three);
    talk.heardExactly(['heard', 'waits at its gateway', 'came by relay', 'in two halves']);
  }
});

killed('a send to a session without a gateway waits for the next poll', async (stack, kill) => {
  const [one, two, three] = stack.urls;
  for (const family of POLLING) {
    stack.talks = [...(stack.talks ?? []), await new Talk('stomp', family).open(one)];
  }
  await kill();
  for (const talk of stack.talks) {
    const said = talk.say(two, 'patience');
    await settled(two);
    const heard = talk.hear(1, () => three);
    await said;
    await heard;
    talk.heardExactly(['patience']);
  }
});

killed('a session whose gateway was killed expires, and its id begins anew', async (stack, kill) => {
  const [one, two, three] = stack.urls;
  const talk = await new Talk('stomp', 'xhr').open(one);
  await kill();
  await until('the session to expire', async () => (await talk.session.send(two, [])) === 404);
  assert.deepEqual(await talk.session.receive(three).all(), [{ type: 'o' }]);
}, { disconnect_delay: '500ms' });
