// SPDX-License-Identifier: MIT
//
// One big room over STOMP on WebSocket: a few talk, many listen.
// MEMBERS (300), SENDERS (2), ROUNDS (30).

import { thresholds } from './lib/accounts.js';
import { Room } from './lib/room.js';
import { Client } from './lib/socket.js';
import { summary } from './lib/summary.js';
import { number, randomId, topic } from './lib/target.js';

const members = number('MEMBERS', 300);
const senders = number('SENDERS', 2);
const rounds = number('ROUNDS', 30);

export const options = {
  thresholds,
  scenarios: { room: { executor: 'per-vu-iterations', vus: 1, iterations: 1, maxDuration: '5m' } },
};

export default async function () {
  const destination = `${topic}/big.${randomId()}`;
  const room = new Room(members, (onMessage) => new Client(destination, onMessage));
  await room.whenReady();
  await room.talk({ senders, rounds, everyMs: 400 });
  await room.close();
}

export const handleSummary = summary(`One room of ${members} on WebSocket`);
