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

killed('between two polls a kill costs nothing: no o, nothing lost, nothing twice', async (stack, kill) => {
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

killed('what one poll has taken does not come again, what it left does, receipts and echoes too', async (stack, kill) => {
  const [one, two, three] = stack.urls;
  const talks = [];
  for (const family of POLLING) {
    for (const kind of ['stomp', 'echo']) {
      const talk = await new Talk(kind, family).open(one);
      const texts = Array.from({ length: 12 }, (_, i) => `${i} ${'x'.repeat(200)}`);
      for (const [i, text] of texts.entries()) {
        await talk.send(i % 2 ? one : two, [talk.wire(text, { receipt: `r${i}` })]);
      }
      await talk.drain(talk.session.receive(one)); // as much as response_limit allows
      assert.ok(talk.texts.length > 0 && talk.texts.length < 12, `${talk.texts.length} in one response`);
      talks.push({ talk, texts });
    }
  }
  await kill();
  for (const { talk, texts } of talks) {
    const urls = [two, three];
    await talk.until(() => talk.texts.length >= 12 && (talk.kind === 'echo' || talk.receipts.length >= 13), () => urls[talk.texts.length % 2]);
    talk.heardExactly(texts);
    assert.equal(new Set(talk.receipts).size, talk.receipts.length);
  }
}, { response_limit: '1KiB' });

killed('a broker is killed and restarted, then the gateway: what waited for a poll is still there', async (stack, kill) => {
  stack.allow('link_waits', 'link_refused');
  const [one, two] = stack.urls;
  const talks = [];
  for (const family of POLLING) {
    const talk = await new Talk('stomp', family).open(one);
    await talk.say(one, 'before');
    talks.push(talk);
  }
  await stack.killBroker();
  await stack.startBroker();
  await settled(one);
  await kill();
  for (const talk of talks) {
    await talk.say(two, 'after');
    await talk.hear(2, () => two);
    talk.heardExactly(['before', 'after']);
  }
});

killed('a session that has said nothing yet goes on', async (stack, kill) => {
  const [one, two] = stack.urls;
  const talk = new Talk('echo', 'xhr');
  await talk.until(() => talk.opens === 1, () => one);
  await kill();
  await talk.say(two, 'first');
  await talk.hear(1, () => two);
  talk.heardExactly(['first']);
});
