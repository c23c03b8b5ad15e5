// SPDX-License-Identifier: MIT
//
// One SockJS session under test, and the model of what it must receive.
//
// Whatever a step starts runs on its own: each response is read by a pump that judges every frame when it comes, each send
// notes its answer. Judged are:
//   o          once in a session's life
//   messages   of one sender: exactly once, and a body that was answered before another began comes before it, whole
//   c[2010]    only beside another receiver that was not refused itself (judged at the end, by overlap in time)
//   c[1002]    only after an abort; c[1000] only after DISCONNECT; and then the same c for whoever comes later (or 2010,
//              while another asks)
//   sends      taken while the session lives; 404, and nothing of them heard, only when it may have ended
//   the end    a response ends cleanly and never without a frame
//
// An abort makes what was on the way uncertain (the bytes may have been in the client's kernel), so it excuses what had not
// been heard until the gateway has read the abort; it excuses nothing later.

import { RECEIVERS, RawSession, parseStomp, stompFrame } from './rawsockjs.mjs';
import { settled } from './talk.mjs';

const CLOSES = { 1000: 'Goodbye', 1002: 'Connection interrupted', 2010: 'Another connection still open' };

/** Orders everything that actors see. */
let clock = 0;
const now = () => ++clock;

export class Actor {
  /** `room` is a list shared by those who hear each other; an echo session has its own. `onFault` takes what was wrong. */
  constructor(name, kind, family, room, onFault) {
    Object.assign(this, { name, kind, family, room, onFault });
    this.destination = room.destination;
    room.push(this);
    this.session = new RawSession(family, { base: kind === 'stomp' ? '/ws' : '/echo' });
    this.receivers = [];
    this.bodies = [];
    this.sending = new Set();
    this.heard = new Map(); // body -> Set of the indices of its texts
    this.excused = new Set();
    this.mayEnd = new Set(); // codes that have a reason by now
    this.mustEndSince = Infinity;
    this.opens = 0;
    this.closed = null;
    this.closedAt = Infinity;
    this.rest = null; // the first part of a frame, as far as it was sent
    this.receipts = new Set();
    this.history = [];
    this.waiters = [];
  }

  note(...what) {
    this.history.push(`${now()} ${this.name} ${what.join(' ')}`);
  }

  check(claim, what) {
    if (!claim) {
      this.note('FAULT', what);
      const error = new Error(`${this.name} (${this.kind} over ${this.family}): ${what}`);
      this.onFault(Object.assign(error, { actor: this }));
    }
  }

  changed() {
    return new Promise((resolve) => this.waiters.push(resolve));
  }

  wake() {
    this.waiters.splice(0).forEach((waiter) => waiter());
  }

  get live() {
    return this.receivers.filter(({ end, isAborted }) => end === Infinity && !isAborted);
  }

  // --- Receiving ---

  receive(url, isStream) {
    const transport = RECEIVERS[this.family].at(isStream ? -1 : 0);
    const one = { url, transport, start: now(), end: Infinity, isRefused: false, isAborted: false, types: [] };
    one.name = `${transport}#${this.receivers.length}@${url.slice(-5)}`;
    this.note('receives', one.name);
    this.receivers.push(one);
    one.exchange = this.session.receive(url, transport);
    one.done = this.pump(one);
    return one;
  }

  async pump(one) {
    for (let frame; (frame = await one.exchange.frame()) !== null; ) {
      this.take(frame, one);
      this.wake();
    }
    if (!one.isAborted) {
      one.end = now();
      const { how, status, fault } = one.exchange;
      this.note(one.name, 'ended', how, status);
      this.check(how === 'clean' && status === 200, `${one.name} ended ${how} ${status} ${fault}`);
      this.check(one.types.length > 0, `${one.name} ended without a frame`);
    }
    this.wake();
  }

  take(frame, one) {
    one.types.push(frame.type);
    this.note(one.name, 'got', JSON.stringify(frame).slice(0, 160));
    this.check(one.types.at(-2) !== 'c', `${one.name}: a frame after c`);
    if (one.start > this.closedAt) {
      this.check(frame.type === 'c', `${one.name}: ${frame.type} after the close`);
    }
    if (frame.type === 'o') {
      this.check(++this.opens === 1, `${one.name}: o again`);
    } else if (frame.type === 'c') {
      this.takeClose(frame, one);
    } else if (frame.type === 'a') {
      this.check(one.start < this.mustEndSince, `${one.name}: goes on although a receiver was cut`);
      frame.messages.forEach((text) => (this.kind === 'echo' ? this.takeText(text) : this.takeStomp(text)));
    }
  }

  takeClose(frame, one) {
    this.check(CLOSES[frame.code] === frame.reason, `${one.name}: c${JSON.stringify([frame.code, frame.reason])}`);
    if (frame.code === 2010) {
      one.isRefused = true;
      this.check(one.types.length === 1, `${one.name}: refused after ${one.types}`);
      return;
    }
    this.check(this.mayEnd.has(frame.code), `${one.name}: ${frame.code} without a reason`);
    this.check(this.closed === null || this.closed.code === frame.code, `${one.name}: ${frame.code} after ${this.closed?.code}`);
    if (this.closed === null) {
      this.closed = frame;
      this.closedAt = now();
      if (frame.code === 1000) {
        const missing = this.missing().filter((body) => body.sender === this && body.answeredAt < this.leftAt);
        this.check(missing.length === 0 || this.live.length > 1, `c[1000] before its own ${missing.map(({ texts }) => texts)}`);
      }
    }
  }

  takeStomp(text) {
    const frame = parseStomp(text);
    if (frame?.command === 'MESSAGE') {
      this.takeText(frame.body);
    } else if (frame?.command === 'CONNECTED') {
      this.isConnected = true;
    } else if (frame?.command === 'RECEIPT') {
      this.receipts.add(frame.headers['receipt-id']);
    } else {
      this.check(frame === null, `unexpected ${text}`);
    }
  }

  /** A text is sender.body.index and padding. */
  takeText(text) {
    const [name, number, index] = text.split('.');
    const body = this.room.find((one) => one.name === name)?.bodies[Number(number)];
    if (!body) {
      return this.check(false, `heard ${text}, which nobody said`);
    }
    const indices = this.heard.get(body) ?? new Set();
    this.heard.set(body, indices);
    this.check(!indices.has(Number(index)), `heard ${text} again`);
    indices.add(Number(index));
    // Of two responses under way at once, the one that was answered later may be read first: then catchUp() judges.
    if (this.live.length === 1) {
      const isNext = Number(index) === 0 || indices.has(Number(index) - 1);
      this.check(isNext || this.isExcused(body), `heard ${text} before what its body says first`);
      const before = this.missing().filter((one) => one.sender === body.sender && one.answeredAt < body.startedAt);
      this.check(before.length === 0, `heard ${text} before ${before.map(({ texts }) => texts)}`);
    }
  }

  isExcused(body) {
    return this.excused.has(body) || this.receivers.some(({ isAborted, end }) => isAborted && end === Infinity);
  }

  /** Bodies that were taken and that this session has not heard whole. */
  missing() {
    return this.room
      .flatMap(({ bodies }) => bodies)
      .filter((body) => body.isTaken && (this.heard.get(body)?.size ?? 0) < body.texts.length && !this.isExcused(body));
  }

  /**
   * True if the receiver is certainly the session's, and nothing is on the way that could end it. All must have been heard
   * before the gateway is asked: a frame that comes meanwhile may be the last that its response takes, and then the end
   * of the response is on the way, behind the answer to what we ask.
   */
  async isSeated(one) {
    const { length } = one.types;
    const isQuiet = () => this.missing().length === 0 && this.room.every(({ sending }) => sending.size === 0);
    const wasQuiet = isQuiet();
    await settled(one.url);
    await new Promise((resolve) => setImmediate(resolve));
    const isSame = one.end === Infinity && !one.isRefused && one.types.length === length;
    return wasQuiet && isQuiet() && isSame && length > 0;
  }

  /** The network takes the receiver away. If it was seated, the session has to end. */
  abort(one, how, isSeated = false) {
    this.note('aborts', one.name, how, isSeated ? 'seated' : '');
    one.isAborted = true;
    this.mayEnd.add(1002);
    how === 'half' ? one.exchange.halfClose() : one.exchange.abort(how);
    one.settled = settled(one.url).then(() => {
      one.end = now();
      this.room.flatMap(({ bodies }) => bodies).forEach((body) => this.excused.add(body));
      if (isSeated && this.family !== 'eventsource') {
        this.mustEndSince = Math.min(this.mustEndSince, one.end);
      }
      this.note(one.name, 'settled');
      this.wake();
    }, this.onFault);
  }

  /** Keeps a receiver until `enough()`; `pick` answers {url, isStream}. */
  async keepReceiving(enough, pick) {
    while (!enough()) {
      if (this.live.length === 0) {
        const { url, isStream } = pick();
        this.receive(url, isStream);
      }
      await this.changed();
    }
  }

  // --- Sending ---

  /** A body of so many texts, with the rest of a frame that was begun before it; `half` leaves another begun. */
  compose(count, half = 0) {
    const body = { sender: this, texts: [], wire: [], startedAt: Infinity, answeredAt: Infinity, isTaken: false };
    const number = this.bodies.push(body) - 1;
    if (this.rest !== null) {
      // The frame counts where it becomes whole.
      body.texts.push(`${this.name}.${number}.0.`);
      body.wire.push(this.frameOf(body.texts[0]).slice(this.rest.length));
      this.rest = null;
    }
    for (let i = 0; i < count; i++) {
      const text = `${this.name}.${number}.${body.texts.length}.${'.'.repeat((number * 37) % 150)}`;
      body.texts.push(text);
      body.wire.push(this.frameOf(text));
    }
    if (half > 0 && this.kind === 'stomp') {
      // The next body's first text, which is where this frame will count.
      this.rest = this.frameOf(`${this.name}.${number + 1}.0.`).slice(0, -1).slice(0, half);
      body.wire.push(this.rest);
    }
    return body;
  }

  frameOf(text) {
    return this.kind === 'stomp' ? stompFrame('SEND', { destination: this.destination }, text) : text;
  }

  /** Sends a body; its answer is judged when it comes. */
  async send(url, body) {
    body.startedAt = now();
    this.note('sends', `body ${this.bodies.indexOf(body)} at ${url.slice(-5)}`);
    const exchange = this.session.sending(url, JSON.stringify(body.wire));
    const sending = exchange.ended().then(() => {
      body.answeredAt = now();
      body.status = exchange.status;
      body.isTaken = exchange.status === this.session.sentStatus;
      this.note('body', this.bodies.indexOf(body), 'answered', exchange.status);
      this.judgeAnswer(body, exchange);
      this.sending.delete(sending);
      this.room.forEach((one) => one.wake());
    });
    this.sending.add(sending);
    return sending;
  }

  judgeAnswer(body, exchange) {
    if (body.isTaken) {
      this.check(body.startedAt < this.closedAt, 'a send was taken after the close');
      this.check(body.startedAt < this.mustEndSince, 'a send was taken although a receiver was cut');
      return;
    }
    this.check(exchange.status === 404 && exchange.how === 'clean', `send: ${exchange.status} ${exchange.how} ${exchange.body}`);
    this.check(this.mayEnd.size > 0, 'send: 404 while the session lives');
  }

  sent() {
    return Promise.all(this.sending);
  }

  /** A body of STOMP frames that are no SEND. */
  command(url, ...frames) {
    const body = this.compose(0);
    body.wire.push(...frames);
    return this.send(url, body);
  }

  /** DISCONNECT, after what was sent is answered. */
  async leave(url) {
    this.mayEnd.add(1000);
    this.leftAt = now();
    await this.command(url, stompFrame('DISCONNECT', { receipt: 'bye' }));
  }

  // --- Whole lives ---

  async open(pick) {
    await this.keepReceiving(() => this.opens === 1, pick);
    if (this.kind === 'stomp') {
      await this.command(pick().url, stompFrame('CONNECT', { 'accept-version': '1.2', host: 'x' }));
      await this.keepReceiving(() => this.isConnected, pick);
      const frame = stompFrame('SUBSCRIBE', { id: '0', destination: this.destination, receipt: 'subscribed' });
      await this.command(pick().url, frame);
      await this.keepReceiving(() => this.receipts.has('subscribed'), pick);
    }
  }

  /** Hears what is missing, wherever `pick` goes; at most one receiver is left then. */
  async catchUp(pick) {
    await this.sent();
    await Promise.all(this.receivers.map((one) => one.settled));
    await this.keepReceiving(() => this.closed !== null || (this.mustEndSince === Infinity && this.missing().length === 0), pick);
    while (this.live.length > (this.closed === null ? 1 : 0)) {
      await this.changed();
    }
  }

  /** Ends the session, by DISCONNECT where there is one, and asks once more: the tombstone answers. */
  async bury(pick) {
    const leaves = this.kind === 'stomp';
    for (let tries = 0; this.closed === null && (leaves || this.isCuttable(tries)); tries++) {
      if (leaves) {
        await this.leave(pick().url);
      } else {
        const one = this.live[0] ?? this.receive(pick().url, true);
        const isSeated = await this.isSeated(one);
        if (one.end === Infinity) {
          this.abort(one, 'reset', isSeated);
          await one.settled;
        }
      }
      await this.keepReceiving(() => this.closed !== null || !leaves, pick);
    }
    if (this.closed !== null) {
      this.receive(pick().url, true);
      await Promise.all(this.live.map((one) => one.done));
    }
    this.live.forEach((one) => this.abort(one, 'reset'));
    await Promise.all(this.receivers.map((one) => one.settled));
  }

  /** An eventsource session outlives its receivers; one whose receiver had no seat yet may have to be cut again. */
  isCuttable(tries) {
    return this.family !== 'eventsource' && tries < 20;
  }

  /** What can only be judged when all is over. */
  judge() {
    for (const one of this.receivers.filter(({ isRefused }) => isRefused)) {
      const beside = this.receivers.some(
        (other) => other !== one && !other.isRefused && other.start < one.end && other.end > one.start,
      );
      this.check(beside, `${one.name}: 2010 with nobody beside it`);
    }
    for (const body of this.heard.keys()) {
      this.check(body.isTaken, `heard ${body.texts[0]}, whose send was refused with ${body.status}`);
    }
  }
}
