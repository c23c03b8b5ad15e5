// SPDX-License-Identifier: MIT
//
// A room of members who all hear each other: talk() has some of them send, and settles the accounts.

import { setTimeout } from 'k6/timers';
import { Ledger, lost, openAccounts, sent } from './accounts.js';
import { randomId } from './target.js';

const SETTLE_MS = 15000;

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** `join(onMessage)` makes a member: {whenReady, send(body), close()}. */
export class Room {
  constructor(members, join) {
    openAccounts();
    this.members = [];
    for (let i = 0; i < members; i++) {
      const ledger = new Ledger();
      const member = join((body) => ledger.take(body));
      this.members.push({ member, ledger, name: randomId(6) });
    }
  }

  whenReady() {
    return Promise.all(this.members.map(({ member }) => member.whenReady));
  }

  /** `rounds` times each of the first `senders` members sends one message, `everyMs` apart. */
  async talk({ senders, rounds, everyMs, padding = 64 }) {
    const tail = 'x'.repeat(padding);
    for (let round = 1; round <= rounds; round++) {
      for (const { member, name } of this.members.slice(0, senders)) {
        sent.add(1);
        member.send(`${name} ${round} ${Date.now()} ${tail}`);
      }
      await pause(everyMs);
    }
    await this.settle(senders * rounds);
  }

  async settle(owed) {
    const deadline = Date.now() + SETTLE_MS;
    const open = () => this.members.some(({ ledger }) => ledger.count < owed);
    while (open() && Date.now() < deadline) {
      await pause(50);
    }
    for (const { ledger } of this.members) {
      lost.add(owed - ledger.count);
    }
  }

  close() {
    return Promise.all(this.members.map(({ member }) => member.close()));
  }
}
