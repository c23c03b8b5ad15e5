// What has come from the other side and waits to be read: an order of items, then the end.

import assert from 'node:assert/strict';

const WAIT_MS = 30_000;

export class Inbox {
  constructor(name) {
    this.name = name;
    this.items = [];
    this.end = null;
    this.wake = [];
    this.taken = [];
  }

  put(item) {
    this.items.push(item);
    this.changed();
  }

  /** Nothing comes any more; `end` says how. Only the first counts. */
  finish(end) {
    this.end ??= end;
    this.changed();
  }

  changed() {
    for (const wake of this.wake.splice(0)) {
      wake();
    }
  }

  async until(check, what) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${this.name}: waited ${WAIT_MS} ms for ${what}${this.history()}`)), WAIT_MS);
    });
    late.catch(() => {});
    try {
      while (!check()) {
        await Promise.race([late, new Promise((resolve) => this.wake.push(resolve))]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** The next item; an error if the end came first. */
  async take(what = 'an item') {
    await this.until(() => this.items.length > 0 || this.end !== null, what);
    assert.ok(this.items.length > 0, `${this.name}: ended (${JSON.stringify(this.end)}) before ${what}${this.history()}`);
    const item = this.items.shift();
    this.taken.push(item);
    return item;
  }

  /** How it ended, with nothing unread before it. */
  async ended() {
    await this.until(() => this.end !== null, 'the end');
    assert.deepEqual(this.items.map(String), [], `${this.name}: nothing more before the end`);
    return this.end;
  }

  history() {
    const show = (items) => items.slice(-5).map((item) => `\n       ${JSON.stringify(String(item)).slice(0, 300)}`).join('');
    return `\n     had taken:${show(this.taken)}\n     waiting:${show(this.items)}`;
  }
}
