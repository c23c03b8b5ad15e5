// SPDX-License-Identifier: MIT
//
// What one SockJS session says and hears, whatever gateway each request goes to: to the echo service, or to itself over a
// STOMP destination of its own.
//
//   const talk = await new Talk('stomp', 'xhr').open(url);
//   await talk.say(urlA, 'one', 'two');       the texts come back
//   await talk.hear(2, () => urlB);           until so many have been heard: talk.texts
//
// take() counts what every receiver brings: `opens`, `texts` in order, `receipts`, and `closed`, the c frame.

import assert from 'node:assert/strict';
import { Exchange, RawSession, parseStomp, stompFrame } from './rawsockjs.mjs';

export const FAMILIES = ['xhr', 'eventsource', 'htmlfile', 'jsonp'];

export const ENDPOINTS = (options = {}) => [
  { path: '/ws', sockjs: true, allowed_origins: ['*'], ...options },
  { path: '/echo', sockjs: true, service: 'echo', allowed_origins: ['*'], ...options },
  { path: '/close', sockjs: true, service: 'close', allowed_origins: ['*'], ...options },
];

/** When the gateway has read what was written to it before. */
export async function settled(url, base = '/echo') {
  const info = new Exchange(url, { path: `${base}/info` });
  assert.equal(await info.answered(), 200);
  await info.ended();
}

export class Talk {
  constructor(kind, family = 'xhr') {
    this.kind = kind;
    this.family = family;
    this.session = new RawSession(family, { base: kind === 'stomp' ? '/ws' : '/echo' });
    this.destination = `/topic/${this.session.id}`;
    this.opens = 0;
    this.texts = [];
    this.ids = [];
    this.receipts = [];
    this.closed = null;
  }

  /** Notes a frame; true if it brought something but a heart-beat. */
  take(frame) {
    if (frame === null || frame.type === 'h') {
      return false;
    }
    if (frame.type === 'o') {
      this.opens++;
    } else if (frame.type === 'c') {
      this.closed = frame;
    } else {
      frame.messages.forEach((text) => this.kind === 'stomp' ? this.takeStomp(parseStomp(text)) : this.texts.push(text));
    }
    return true;
  }

  takeStomp(frame) {
    if (frame?.command === 'MESSAGE') {
      this.texts.push(frame.body);
      this.ids.push(frame.headers['message-id']);
    } else if (frame?.command === 'RECEIPT') {
      this.receipts.push(frame.headers['receipt-id']);
    } else if (frame !== null) {
      assert.equal(frame.command, 'CONNECTED', JSON.stringify(frame));
      this.connected = frame.headers;
    }
  }

  /** Takes all frames of a response, to its end or until `enough()`. */
  async drain(receiver, enough = () => false) {
    while (!enough()) {
      const frame = await receiver.frame();
      if (frame === null) {
        assert.equal(receiver.how, 'clean', `${this.family}: a response ended ${receiver.how} ${receiver.fault}`);
        assert.equal(receiver.status, 200);
        return;
      }
      this.take(frame);
    }
  }

  /** Receives at url after url until `enough()`; polls, or streams that are given up only by the server. */
  async until(enough, urlOf, transport) {
    while (!enough()) {
      const receiver = this.session.receive(urlOf(), transport);
      await this.drain(receiver);
      assert.ok(this.closed === null || enough(), `closed: ${JSON.stringify(this.closed)}`);
    }
  }

  /** Streams cannot be ended by us without an abort, so other families than xhr and jsonp hear on one stream. */
  async hear(count, urlOf) {
    if (this.family === 'xhr' || this.family === 'jsonp') {
      return this.until(() => this.texts.length >= count, urlOf);
    }
    this.stream ??= this.session.stream(urlOf());
    await this.drain(this.stream, () => this.texts.length >= count);
  }

  /** `o` and, over STOMP, the subscription to its own destination, all at one gateway. */
  async open(url) {
    const isPolling = this.family === 'xhr' || this.family === 'jsonp';
    const step = async (enough) => {
      if (isPolling) {
        return this.until(enough, () => url);
      }
      this.stream ??= this.session.stream(url);
      await this.drain(this.stream, enough);
    };
    await step(() => this.opens === 1);
    if (this.kind === 'stomp') {
      await this.send(url, [stompFrame('CONNECT', { 'accept-version': '1.2', host: 'x' })]);
      await step(() => this.connected);
      await this.send(url, [stompFrame('SUBSCRIBE', { id: '0', destination: this.destination, receipt: 'subscribed' })]);
      await step(() => this.receipts.includes('subscribed'));
    }
    assert.equal(this.opens, 1);
    return this;
  }

  wire(text, headers = {}) {
    return this.kind === 'stomp' ? stompFrame('SEND', { destination: this.destination, ...headers }, text) : text;
  }

  /** Sends SockJS messages as they are. */
  async send(url, messages) {
    const exchange = this.session.sending(url, JSON.stringify(messages));
    const how = await exchange.ended();
    assert.equal(exchange.status, this.session.sentStatus, `send over ${this.family} to ${url} ended ${how}: ${exchange.body}`);
  }

  async say(url, ...texts) {
    await this.send(url, texts.map((text) => this.wire(text)));
  }

  heardExactly(texts) {
    assert.deepEqual(this.texts, texts);
    assert.equal(this.opens, 1, 'o exactly once');
    assert.equal(new Set(this.ids).size, this.ids.length, 'no message-id twice');
  }
}
