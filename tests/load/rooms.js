// SPDX-License-Identifier: MIT
//
// Rooms of ten over STOMP on WebSocket: everybody talks, everybody hears everybody.
// ROOMS (20), MEMBERS (10), ROUNDS (20): messages of each member.

import { thresholds } from './lib/accounts.js';
import { Room } from './lib/room.js';
import { Client } from './lib/socket.js';
import { summary } from './lib/summary.js';
import { number, randomId, topic } from './lib/target.js';

const rooms = number('ROOMS', 20);
const members = number('MEMBERS', 10);
const rounds = number('ROUNDS', 20);

export const options = {
  thresholds,
  scenarios: { rooms: { executor: 'per-vu-iterations', vus: rooms, iterations: 1, maxDuration: '5m' } },
};

export default async function () {
  const destination = `${topic}/room.${randomId()}`;
  const room = new Room(members, (onMessage) => new Client(destination, onMessage));
  await room.whenReady();
  await room.talk({ senders: members, rounds, everyMs: 250 });
  await room.close();
}

export const handleSummary = summary(`${rooms} rooms of ${members} on WebSocket`);
