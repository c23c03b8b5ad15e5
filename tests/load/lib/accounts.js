// SPDX-License-Identifier: MIT
//
// Every message sent is owed to each member of its room. What is not delivered in the end is lost, what comes again is
// doubled, what overtakes another of its sender is disordered: each fails the run.

import { Counter, Trend } from 'k6/metrics';

export const sent = new Counter('messages_sent');
export const received = new Counter('messages_received');
export const lost = new Counter('messages_lost');
export const doubled = new Counter('messages_doubled');
export const disordered = new Counter('messages_disordered');
export const errors = new Counter('client_errors');
export const latency = new Trend('delivery_ms', true);
export const ready = new Trend('ready_ms', true);

export const thresholds = {
  messages_lost: ['count==0'],
  messages_doubled: ['count==0'],
  messages_disordered: ['count==0'],
  client_errors: ['count==0'],
  messages_received: ['count>0'],
  delivery_ms: [`p(95)<${__ENV.P95_MS || 1000}`],
};

/** k6 leaves a counter that was never added to out of the summary: these shall be seen to be 0. */
export function openAccounts() {
  for (const counter of [sent, received, lost, doubled, disordered, errors]) {
    counter.add(0);
  }
}

/** What one member has got: the last number by each sender. */
export class Ledger {
  constructor() {
    this.last = {};
    this.count = 0;
  }

  /** `body` is "<sender> <number> <milliseconds> ...", numbers from 1. */
  take(body) {
    const [sender, text, time] = body.split(' ', 3);
    const number = Number(text);
    const last = this.last[sender] || 0;
    if (number <= last) {
      doubled.add(1);
      return;
    }
    if (number > last + 1) {
      disordered.add(1); /* the gap is counted as lost in the end, unless it comes late: then as doubled */
    }
    this.last[sender] = number;
    this.count += 1;
    received.add(1);
    latency.add(Date.now() - Number(time));
  }
}
