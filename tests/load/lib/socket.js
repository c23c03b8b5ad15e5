// SPDX-License-Identifier: MIT
//
// One STOMP client on a WebSocket. Ready is when it has heard itself on a destination of its own,
// subscribed behind the room's: Spring's simple broker answers no receipts.

import { WebSocket } from 'k6/websockets';
import { clearInterval, setInterval } from 'k6/timers';
import { errors, ready } from './accounts.js';
import { Decoder, frame } from './stomp.js';
import { randomId, topic, websocketUrl } from './target.js';

const PROBE_MS = 1000;

export class Client {
  /** `onMessage(body)` gets every message of the destination. */
  constructor(destination, onMessage) {
    this.destination = destination;
    this.onMessage = onMessage;
    this.id = randomId();
    this.ownDestination = `${topic}/probe.${this.id}`;
    this.isClosing = false;
    this.started = Date.now();
    this.decoder = new Decoder();
    this.whenReady = new Promise((resolve) => {
      this.becomeReady = resolve;
    });
    this.whenClosed = new Promise((resolve) => {
      this.becomeClosed = resolve;
    });
    this.open();
  }

  open() {
    const socket = new WebSocket(websocketUrl, ['v12.stomp', 'v11.stomp', 'v10.stomp'], { tags: { name: 'stomp' } });
    this.socket = socket;
    socket.onopen = () => socket.send(frame('CONNECT', { 'accept-version': '1.2', host: 'load', 'heart-beat': '0,0' }));
    socket.onmessage = ({ data }) => this.decoder.decode(data).forEach((one) => this.take(one));
    socket.onerror = ({ error }) => this.fail(error);
    socket.onclose = () => {
      if (!this.isClosing) {
        this.fail('closed');
      }
      this.settle();
    };
  }

  /** Whoever waits for this client goes on; the accounts say what it missed. */
  settle() {
    clearInterval(this.probe);
    this.becomeReady();
    this.becomeClosed();
  }

  fail(error) {
    if (!this.isFailed) {
      this.isFailed = true;
      errors.add(1);
      console.error(`client ${this.id}: ${error}`);
    }
    this.settle();
  }

  take({ command, headers, body }) {
    if (command === 'CONNECTED') {
      this.socket.send(frame('SUBSCRIBE', { id: 'sub-0', destination: this.destination }));
      this.socket.send(frame('SUBSCRIBE', { id: 'probe', destination: this.ownDestination }));
      this.probe = setInterval(() => this.sendProbe(), PROBE_MS);
      this.sendProbe();
    } else if (command === 'MESSAGE' && headers.subscription === 'probe') {
      this.takeProbe();
    } else if (command === 'MESSAGE') {
      this.onMessage(body);
    } else if (command === 'ERROR') {
      this.fail(headers.message);
    }
  }

  takeProbe() {
    if (!this.isReady) {
      this.isReady = true;
      clearInterval(this.probe);
      ready.add(Date.now() - this.started);
      this.becomeReady();
    }
  }

  sendProbe() {
    this.socket.send(frame('SEND', { destination: this.ownDestination }, 'probe'));
  }

  send(body) {
    if (!this.isFailed) {
      this.socket.send(frame('SEND', { destination: this.destination, 'content-type': 'text/plain' }, body));
    }
  }

  close() {
    this.isClosing = true;
    if (!this.isFailed) {
      this.socket.send(frame('DISCONNECT', {}));
      this.socket.close();
    }
    return this.whenClosed;
  }
}
