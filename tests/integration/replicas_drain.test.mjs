// SPDX-License-Identifier: MIT
//
// Gateways come and go by SIGTERM while sessions of every family receive and senders send: responses under way end with h,
// whatever the client asks next goes on at another gateway, nothing is lost and nothing comes twice.

import assert from 'node:assert/strict';
import { withStack } from '../lib/stack.mjs';
import { ENDPOINTS, Talk, settled } from '../lib/talk.mjs';
import { abortAll, stompFrame } from '../lib/rawsockjs.mjs';
import { openWebSocket } from '../lib/stomp.mjs';
import { test } from '../lib/test.mjs';

const ROOM = '/topic/room';
const MESSAGES = 150;
const RECEIVERS = [
  ['xhr', 'xhr'],
  ['xhr', 'xhr_streaming'],
  ['eventsource', 'eventsource'],
  ['htmlfile', 'htmlfile'],
  ['jsonp', 'jsonp'],
];

/** The gateways that a balancer would use now, one after the other. */
class Pool {
  constructor(gateways) {
    this.gateways = gateways;
    this.next = 0;
  }

  get url() {
    return this.gateways[this.next++ % this.gateways.length].url;
  }

  /** No new request goes there, what was written has been read; then SIGTERM. */
  async drain(stack, gateway) {
    this.gateways = this.gateways.filter((one) => one !== gateway);
    await settled(gateway.url);
    return stack.drain(gateway);
  }
}

/** Hears everything said in the room until `enough`, one response after the other. Notes each as {url, frames, how}. */
class Follower {
  constructor(family, transport) {
    this.talk = new Talk('stomp', family);
    this.talk.destination = ROOM;
    this.transport = transport;
    this.responses = [];
  }

  async open(url) {
    await this.talk.open(url);
    return this;
  }

  async follow(pool, first, enough) {
    let url = first;
    while (!enough(this.talk)) {
      const receiver = this.talk.stream ?? this.talk.session.receive(url, this.transport);
      this.talk.stream = null;
      const response = { url, frames: [] };
      this.responses.push(response);
      for (let frame; !enough(this.talk) && (frame = await receiver.frame()) !== null; ) {
        response.frames.push(frame.type);
        this.talk.take(frame);
      }
      if (!enough(this.talk)) {
        assert.equal(receiver.how, 'clean', `${this.transport}: ${receiver.how} ${receiver.fault} after ${response.frames}`);
        assert.equal(this.talk.closed, null, JSON.stringify(this.talk.closed));
      }
      url = pool.url;
    }
  }
}

const names = ['a', 'b', 'c'];

/** What each sender said, as this listener heard it, is all of it in order. */
function heardAll(texts, what) {
  for (const name of names) {
    const heard = texts.filter((text) => text.startsWith(name));
    assert.deepEqual(heard, Array.from({ length: MESSAGES }, (_, i) => `${name}${i}`), `${what} heard ${name}`);
  }
}

test('gateways are stopped and added under every fallback: h, then on elsewhere, nothing lost, nothing twice', () =>
  withStack({ gateway: { endpoints: ENDPOINTS({ disconnect_delay: '30s' }) } }, async (stack) => {
    const [one, two, three] = stack.gateways;
    const pool = new Pool([one, two, three]);
    const followers = await Promise.all(RECEIVERS.map(([family, transport]) => new Follower(family, transport).open(one.url)));
    const socket = await openWebSocket({ port: new URL(one.url).port }, '/ws/websocket');
    await socket.connect();
    await socket.subscribe(ROOM);
    const enough = (talk) => talk.texts.length >= names.length * MESSAGES;
    const following = Promise.all(followers.map((follower) => follower.follow(pool, one.url, enough)));
    const reached = {};
    let said = -1;
    const at = (count) => new Promise((resolve) => (said >= count ? resolve() : (reached[count] = resolve)));
    // Three senders whose sessions are themselves moved: each polls for its receipts, one at a time.
    const sending = Promise.all(
      names.map(async (name) => {
        const talk = await new Talk('stomp', 'xhr').open(pool.url);
        for (let i = 0; i < MESSAGES; i++) {
          const receipt = `${name}${i}`;
          await talk.send(pool.url, [stompFrame('SEND', { destination: ROOM, receipt }, receipt)]);
          await talk.until(() => talk.receipts.at(-1) === receipt, () => pool.url);
          if (name === 'a') {
            said = i;
            reached[i]?.();
          }
        }
      }),
    );
    const life = (async () => {
      await at(30);
      await pool.drain(stack, one);
      await at(70);
      pool.gateways.push(await stack.startGateway());
      await at(110);
      await pool.drain(stack, two);
    })();
    await Promise.all([sending, following, life]);

    followers.forEach(({ talk, transport }) => {
      heardAll(talk.texts, transport);
      assert.equal(talk.opens, 1);
      assert.equal(new Set(talk.ids).size, talk.ids.length);
    });
    for (const gateway of [one, two]) {
      const last = followers.map(({ responses }) => responses.findLast(({ url }) => url === gateway.url)?.frames.at(-1));
      assert.ok(gateway === two || last.includes('h'), `responses at ${gateway.name} ended with ${last}`);
    }
    const end = await socket.inbox.until(() => socket.inbox.end !== null, 'the end').then(() => socket.inbox.end);
    assert.deepEqual([end.kind, end.code], ['close', 1001]);
    abortAll();
  }, { gateways: 3 }));

test('responses under way at a gateway that stops end with h, cleanly, and the gateway exits 0', () =>
  withStack({ gateway: { endpoints: ENDPOINTS({ disconnect_delay: '30s' }) } }, async (stack) => {
    const [one, two] = stack.gateways;
    const talks = [];
    for (const kind of ['echo', 'stomp']) {
      for (const [family, transport] of RECEIVERS) {
        const talk = await new Talk(kind, family).open(one.url);
        talks.push({ talk, transport, receiver: talk.stream ?? talk.session.receive(one.url, transport) });
      }
    }
    const detached = await new Talk('echo', 'xhr').open(one.url);
    await detached.say(two.url, 'kept');
    await settled(one.url);
    const stopping = stack.drain(one);
    await Promise.all(
      talks.map(async ({ talk, transport, receiver }) => {
        assert.deepEqual(await receiver.all(), [{ type: 'h' }], transport);
        assert.equal(receiver.how, 'clean', transport);
        talk.stream = null;
        const next = talk.session.receive(two.url, transport);
        await talk.say(two.url, 'on');
        await talk.drain(next, () => talk.texts.length > 0);
        talk.heardExactly(['on']);
      }),
    );
    await detached.hear(1, () => two.url);
    detached.heardExactly(['kept']);
    await stopping;
    abortAll();
  }, { gateways: 2 }));

test('a send to a session that its gateway gave away needs no receiver: another gateway takes it', () =>
  withStack({ gateway: { endpoints: ENDPOINTS({ disconnect_delay: '30s' }) } }, async (stack) => {
    const [one, two, three] = stack.gateways;
    const talk = await new Talk('stomp', 'xhr').open(one.url);
    await stack.drain(one);
    await talk.say(two.url, 'to nobody');
    await talk.say(three.url, 'to two');
    await talk.hear(2, () => three.url);
    talk.heardExactly(['to nobody', 'to two']);
  }, { gateways: 3 }));

test('with a broker that hangs a gateway ends within drain_timeout, and says 503 to who waits', () =>
  withStack({ gateway: { drain_timeout: '2s', endpoints: ENDPOINTS({ disconnect_delay: '30s' }) } }, async (stack) => {
    const [one] = stack.gateways;
    stack.allow('link_lost');
    const detached = await new Talk('stomp', 'xhr').open(one.url);
    const polling = await new Talk('echo', 'xhr').open(one.url);
    const poll = polling.session.receive(one.url);
    await settled(one.url);
    stack.broker.signal('SIGSTOP');
    const send = detached.session.sending(one.url, JSON.stringify([detached.wire('to nobody')]));
    await send.written;
    await settled(one.url);
    await stack.drain(one);
    assert.deepEqual(await poll.all(), [{ type: 'h' }]);
    await send.ended();
    assert.equal(send.status, 503);
    stack.broker.signal('SIGCONT');
  }));
