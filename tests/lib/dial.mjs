// One way to a port for every client here: plain, or TLS where a port is known to speak it.
//
//   trust(8443, ca);                          from now on dial() and webSocketOptions() speak TLS to that port
//   const socket = dial({ port: 8443 });      a net.Socket, or a tls.TLSSocket that checks the certificate

import net from 'node:net';
import tls from 'node:tls';

const trusted = new Map(); // port -> CA in PEM

export function trust(port, ca) {
  trusted.set(Number(port), ca);
}

export function distrust(port) {
  trusted.delete(Number(port));
}

export const isSecure = (port) => trusted.has(Number(port));

export function dial({ port, host = '127.0.0.1', ...options }) {
  const ca = trusted.get(Number(port));
  return ca === undefined
    ? net.connect({ port, host, ...options })
    : tls.connect({ port, host, ca, servername: 'localhost', ...options });
}

/** For the ws package; its URL is `${isSecure(port) ? 'wss' : 'ws'}://…`. */
export function webSocketOptions(port) {
  return isSecure(port) ? { ca: trusted.get(Number(port)) } : {};
}
