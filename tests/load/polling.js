// SPDX-License-Identifier: MIT
//
// Rooms over SockJS xhr-polling: each request may reach another replica.
// ROOMS (15), MEMBERS (4), ROUNDS (15).

import { thresholds } from './lib/accounts.js';
import { Poller } from './lib/poller.js';
import { Room } from './lib/room.js';
import { summary } from './lib/summary.js';
import { number, randomId, topic } from './lib/target.js';

const rooms = number('ROOMS', 15);
const members = number('MEMBERS', 4);
const rounds = number('ROUNDS', 15);

export const options = {
  thresholds,
  batchPerHost: 0,
  noConnectionReuse: true, /* so that a balancer of connections balances requests */
  scenarios: { rooms: { executor: 'per-vu-iterations', vus: rooms, iterations: 1, maxDuration: '5m' } },
};

export default async function () {
  const destination = `${topic}/poll.${randomId()}`;
  const room = new Room(members, (onMessage) => new Poller(destination, onMessage));
  await room.whenReady();
  await room.talk({ senders: members, rounds, everyMs: 300 });
  await room.close();
}

export const handleSummary = summary(`${rooms} rooms of ${members} on xhr-polling`);
