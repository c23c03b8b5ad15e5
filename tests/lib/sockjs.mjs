// SockJS sessions over plain HTTP, by what goes over the wire.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { HttpSocket } from './http.mjs';

export const sessionPath = (endpoint) => `${endpoint}/000/${randomUUID()}`;

/** A session that is polled: `for await (const text of session.messages())`; after the end `close` is [code, reason]. */
export class SockJsPolling {
  constructor(port, endpoint) {
    this.path = sessionPath(endpoint);
    this.receiver = new HttpSocket(port);
    this.sender = new HttpSocket(port);
    this.close = null;
    this.heartbeats = 0;
    this.opened = new Promise((resolve, reject) => {
      this.onOpen = resolve;
      this.onFailure = reject;
    });
    this.opened.catch(() => {});
  }

  async poll() {
    this.receiver.request('POST', `${this.path}/xhr`, { body: '' });
    const { status } = await this.receiver.answer();
    const body = await this.receiver.body();
    assert.equal(status, 200, body);
    assert.ok(body.endsWith('\n'), 'LF ends a frame');
    return body.slice(0, -1);
  }

  async *messages() {
    try {
      const first = await this.poll();
      assert.equal(first, 'o');
      this.onOpen();
      for (;;) {
        const found = await this.poll();
        if (found === 'h') {
          this.heartbeats++;
        } else if (found[0] === 'a') {
          yield* JSON.parse(found.slice(1));
        } else {
          assert.equal(found[0], 'c', found);
          this.close = JSON.parse(found.slice(1));
          return;
        }
      }
    } catch (error) {
      this.onFailure(error);
      throw error;
    } finally {
      this.drop();
    }
  }

  /** Answers the status. */
  async send(texts) {
    this.sender.request('POST', `${this.path}/xhr_send`, { body: JSON.stringify(texts) });
    const { status } = await this.sender.answer();
    await this.sender.body();
    return status;
  }

  drop() {
    this.receiver.drop();
    this.sender.drop();
  }
}
