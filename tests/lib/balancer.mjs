// SPDX-License-Identifier: MIT
//
// A balancer without any affinity: each new connection goes to the next gateway, and one that cannot be reached is passed
// over. Bytes are passed on as they come.

import net from 'node:net';

export class Balancer {
  /** `targets()` answers the ports in use now. */
  constructor(targets) {
    this.targets = targets;
    this.next = 0;
    this.sockets = new Set();
    this.server = net.createServer({ noDelay: true, allowHalfOpen: true }, (client) => this.connect(client, 0));
  }

  listen() {
    return new Promise((resolve) => {
      this.server.listen(0, '127.0.0.1', () => {
        this.port = this.server.address().port;
        this.url = `http://127.0.0.1:${this.port}`;
        resolve(this);
      });
    });
  }

  connect(client, tries) {
    const ports = this.targets();
    const port = ports[this.next++ % ports.length];
    const upstream = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    upstream.once('connect', () => this.join(client, upstream));
    upstream.once('error', () => (tries < ports.length ? this.connect(client, tries + 1) : client.destroy()));
  }

  join(client, upstream) {
    upstream.removeAllListeners('error');
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ]) {
      this.sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.sockets.delete(from);
        to.end();
      });
      from.pipe(to);
    }
  }

  close() {
    for (const socket of this.sockets) {
      socket.destroy();
    }
    return new Promise((resolve) => this.server.close(resolve));
  }
}
