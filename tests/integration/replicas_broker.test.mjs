// SPDX-License-Identifier: MIT
//
// The broker is killed ten times under 200 clients of every transport on three gateways. No client may notice more than a
// pause: none is disconnected, each hears every receipted message of its room exactly once and in order, and all hear what
// is published after the last kill.

import assert from 'node:assert/strict';
import { until, withStack } from '../lib/stack.mjs';
import { ENDPOINTS, Talk } from '../lib/talk.mjs';
import { abortAll, stompFrame } from '../lib/rawsockjs.mjs';
import { frame, openTcp, openWebSocket } from '../lib/stomp.mjs';
import { test } from '../lib/test.mjs';

const CLIENTS = Number(process.env.SLUICE_CLIENTS ?? 200);
const ROOM_SIZE = 10;
const KILLS = Number(process.env.SLUICE_KILLS ?? 10);
const RECEIPTS_BETWEEN_KILLS = 150;

const TRANSPORTS = ['websocket', 'tcp', 'xhr', 'xhr_streaming', 'eventsource', 'htmlfile', 'jsonp', 'xhr'];

/** One client: hears its room, says one receipted message after the other. Anything unexpected rejects `failed`. */
class Member {
  constructor(number, gateways) {
    this.name = `c${number}`;
    this.transport = TRANSPORTS[number % TRANSPORTS.length];
    this.room = `/topic/room.${Math.floor(number / ROOM_SIZE)}`;
    this.texts = [];
    this.ids = [];
    this.receipts = new Set();
    this.waiters = [];
    this.isOver = false;
    // Half of the fallback clients stay at one gateway, as behind a sticky balancer; the others go around.
    const [first, step] = [number, number % 2];
    let turn = 0;
    this.next = () => gateways[(first + step * turn++) % gateways.length];
    this.failed = new Promise((_, reject) => (this.fail = reject));
    this.failed.catch(() => {});
  }

  hear(command, headers, body) {
    if (command === 'MESSAGE') {
      this.texts.push(body);
      this.ids.push(headers['message-id']);
    } else {
      assert.equal(command, 'RECEIPT', `${this.name} over ${this.transport}`);
      this.receipts.add(headers['receipt-id']);
    }
    this.waiters.splice(0).forEach((waiter) => waiter());
  }

  /** Resolves when `check()` holds; looks again whenever something was heard. */
  async until(check) {
    while (!check()) {
      await Promise.race([this.failed, new Promise((resolve) => this.waiters.push(resolve))]);
    }
  }

  async say(text, receipt = text) {
    await Promise.race([this.failed, this.send('SEND', { destination: this.room, receipt }, text)]);
    await this.until(() => this.receipts.has(receipt));
  }
}

/** Over a connection that lives as long as the client. */
class ConnectedMember extends Member {
  async open() {
    const gateway = this.next();
    const port = new URL(gateway.url).port;
    this.client = await (this.transport === 'tcp' ? openTcp(gateway) : openWebSocket({ port }, '/ws/websocket'));
    await this.client.connect();
    await this.client.subscribe(this.room);
    this.read().catch((error) => this.isOver || this.fail(error));
    return this;
  }

  async read() {
    for (;;) {
      const { command, headers, text } = await this.client.frame();
      this.hear(command, Object.fromEntries(headers), text);
    }
  }

  send(command, headers, body) {
    this.client.send(frame(command, headers, body));
  }

  close() {
    this.isOver = true;
    this.client.drop();
  }
}

/** Over SockJS fallbacks: one response after the other, each send a request. */
class FallbackMember extends Member {
  async open() {
    this.talk = new Talk('stomp', this.transport.startsWith('xhr') ? 'xhr' : this.transport);
    this.talk.destination = this.room;
    this.talk.takeStomp = (found) => found && found.command !== 'CONNECTED' && this.hear(found.command, found.headers, found.body);
    const take = this.talk.takeStomp;
    delete this.talk.takeStomp;
    await this.talk.open(this.next().url);
    this.talk.takeStomp = take;
    this.receive().catch((error) => this.isOver || this.fail(error));
    return this;
  }

  async receive() {
    for (let receiver = this.talk.stream; !this.isOver; receiver = null) {
      receiver ??= this.talk.session.receive(this.next().url, this.transport);
      await this.talk.drain(receiver, () => this.isOver);
      assert.equal(this.talk.closed, null, `${this.name} over ${this.transport}: ${JSON.stringify(this.talk.closed)}`);
    }
  }

  async send(command, headers, body) {
    await this.talk.send(this.next().url, [stompFrame(command, headers, body)]);
  }

  close() {
    this.isOver = true;
  }
}

/** Each member heard every receipted text of its room once, the texts of each sender in order, no message-id twice. */
function account(members) {
  const problems = [];
  for (const listener of members) {
    const heard = new Map();
    listener.texts.forEach((text) => heard.set(text, (heard.get(text) ?? 0) + 1));
    for (const sender of members.filter(({ room }) => room === listener.room)) {
      const lost = [...sender.receipts].filter((text) => !heard.has(text));
      const own = listener.texts.filter((text) => text.split('.')[0] === sender.name).map((text) => Number(text.split('.')[1]));
      const isOrdered = own.every((number, i) => i === 0 || number > own[i - 1]);
      lost.length > 0 && problems.push(`${listener.name} over ${listener.transport} did not hear ${lost}`);
      isOrdered || problems.push(`${listener.name} over ${listener.transport} heard ${sender.name} as ${own}`);
    }
    const twice = listener.ids.filter((id, i) => listener.ids.indexOf(id) !== i);
    twice.length > 0 && problems.push(`${listener.name} over ${listener.transport} twice: ${twice}`);
  }
  assert.deepEqual(problems.slice(0, 20), [], `${problems.length} problems`);
}

test('ten kills of the broker cost no connection and no receipted message', () =>
  withStack({ gateway: { endpoints: ENDPOINTS({ disconnect_delay: '30s' }) } }, async (stack) => {
    stack.allow('link_lost', 'link_waits');
    const members = [];
    for (let number = 0; number < CLIENTS; number++) {
      const Kind = ['websocket', 'tcp'].includes(TRANSPORTS[number % TRANSPORTS.length]) ? ConnectedMember : FallbackMember;
      members.push(await new Kind(number, stack.gateways).open());
    }
    const anyFailed = Promise.race(members.map(({ failed }) => failed));
    anyFailed.catch(() => {});
    const receipts = () => members.reduce((sum, member) => sum + member.receipts.size, 0);
    let isTalking = true;
    const talk = async (member) => {
      for (let i = 0; isTalking; i++) {
        await member.say(`${member.name}.${i}`);
      }
    };
    const talking = Promise.all(members.map((member) => talk(member).catch(member.fail)));
    const killing = (async () => {
      for (let kill = 0; kill < KILLS; kill++) {
        const enough = receipts() + RECEIPTS_BETWEEN_KILLS;
        await until(`receipts after ${kill} kills`, () => receipts() >= enough);
        await stack.killBroker();
        await stack.startBroker();
      }
    })();
    await Promise.race([anyFailed, killing]);
    isTalking = false;
    await Promise.race([anyFailed, talking]);
    // One in each room says the last word; all hear it.
    const last = (member) => `${members.find(({ room }) => room === member.room).name}.1000000`;
    await Promise.all(members.filter((member) => last(member).startsWith(`${member.name}.`)).map((member) => member.say(last(member))));
    await Promise.race([anyFailed, Promise.all(members.map((member) => member.until(() => member.texts.includes(last(member)))))]);
    console.log(`     ${receipts()} receipts, ${members.reduce((sum, { texts }) => sum + texts.length, 0)} messages heard`);
    account(members);
    members.forEach((member) => member.close());
    abortAll();
  }, { gateways: 3 }), { limitMs: 90_000 });
