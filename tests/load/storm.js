// SPDX-License-Identifier: MIT
//
// Connect storm: everybody comes at once, subscribes, hears himself once, and leaves.
// VUS (50), SOCKETS (20): clients of each.

import { errors, openAccounts, received, sent } from './lib/accounts.js';
import { Client } from './lib/socket.js';
import { summary } from './lib/summary.js';
import { number, randomId, topic } from './lib/target.js';

const vus = number('VUS', 50);
const sockets = number('SOCKETS', 20);

export const options = {
  thresholds: {
    client_errors: ['count==0'],
    ready_ms: [`p(95)<${__ENV.P95_MS || 5000}`],
    messages_received: [`count==${vus * sockets}`],
  },
  scenarios: { storm: { executor: 'per-vu-iterations', vus, iterations: 1, maxDuration: '5m' } },
};

export default async function () {
  openAccounts();
  const clients = [];
  for (let i = 0; i < sockets; i++) {
    clients.push(new Client(`${topic}/storm.${randomId()}`, () => errors.add(1)));
  }
  await Promise.all(clients.map(({ whenReady }) => whenReady));
  sent.add(clients.length);
  received.add(clients.filter(({ isReady }) => isReady).length);
  await Promise.all(clients.map((client) => client.close()));
}

export const handleSummary = summary(`${vus * sockets} clients at once`);
