// SPDX-License-Identifier: MIT
//
// One STOMP client on SockJS xhr-polling: a poll is always under way, sends go one at a time, as sockjs-client does it.

import http from 'k6/http';
import { clearInterval, setInterval } from 'k6/timers';
import { errors, ready } from './accounts.js';
import { Decoder, frame } from './stomp.js';
import { base, endpoint, randomId, topic } from './target.js';

const PROBE_MS = 1000;

export class Poller {
  constructor(destination, onMessage) {
    this.destination = destination;
    this.onMessage = onMessage;
    this.id = randomId();
    this.ownDestination = `${topic}/probe.${this.id}`;
    this.url = `${base}${endpoint}/000/${randomId(8)}`;
    this.isOver = false;
    this.outgoing = [];
    this.started = Date.now();
    this.decoder = new Decoder();
    this.whenReady = new Promise((resolve) => {
      this.becomeReady = resolve;
    });
    this.whenOver = this.poll();
  }

  async poll() {
    while (!this.isOver) {
      const answer = await http.asyncRequest('POST', `${this.url}/xhr`, null, { tags: { name: 'xhr' }, timeout: '60s' });
      if (answer.status !== 200) {
        return this.fail(`poll answered ${answer.status}`);
      }
      this.takeFrame(answer.body.replace(/\n$/, ''));
    }
    this.settle();
  }

  takeFrame(text) {
    const kind = text[0];
    if (kind === 'o') {
      this.write(frame('CONNECT', { 'accept-version': '1.2', host: 'load', 'heart-beat': '0,0' }));
    } else if (kind === 'a') {
      JSON.parse(text.slice(1)).forEach((part) => this.decoder.decode(part).forEach((one) => this.take(one)));
    } else if (kind === 'c') {
      this.isOver ? this.settle() : this.fail(text);
      this.isOver = true;
    }
  }

  take({ command, headers, body }) {
    if (command === 'CONNECTED') {
      this.write(frame('SUBSCRIBE', { id: 'sub-0', destination: this.destination }));
      this.write(frame('SUBSCRIBE', { id: 'probe', destination: this.ownDestination }));
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
    this.write(frame('SEND', { destination: this.ownDestination }, 'probe'));
  }

  send(body) {
    this.write(frame('SEND', { destination: this.destination, 'content-type': 'text/plain' }, body));
  }

  write(text) {
    this.outgoing.push(text);
    if (!this.isWriting) {
      this.isWriting = true;
      this.writeAll();
    }
  }

  async writeAll() {
    while (this.outgoing.length > 0) {
      const body = JSON.stringify(this.outgoing.splice(0));
      const answer = await http.asyncRequest('POST', `${this.url}/xhr_send`, body, {
        tags: { name: 'xhr_send' },
        headers: { 'Content-Type': 'text/plain' },
      });
      if (answer.status !== 204) {
        this.fail(`xhr_send answered ${answer.status}`);
        break;
      }
    }
    this.isWriting = false;
  }

  fail(error) {
    if (!this.isOver) {
      errors.add(1);
      console.error(`client ${this.id}: ${error}`);
    }
    this.isOver = true;
    this.settle();
  }

  settle() {
    clearInterval(this.probe);
    this.becomeReady();
  }

  /** The server closes the session; the poll under way brings its `c`. */
  close() {
    this.isOver = true;
    this.write(frame('DISCONNECT', {}));
    return this.whenOver;
  }
}
