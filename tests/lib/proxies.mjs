// The proxies that SockJS exists for. Each listens on a loopback port of its own and forwards to `port`.
//
//   dropUpgrade   an HTTP/1.1 proxy that knows no Upgrade: the handshake arrives at the server as a plain GET
//   buffer        the same, and it passes a response on only when it is complete
//   cutIdle       a TCP relay that closes connections over which nothing went for `idleMs`
//
//   const proxy = await buffer(stack.port);  proxy.url  await proxy.close()
//   cutIdle also has cut(): all connections at once; swallow(): nothing passes any more over those there are

import http from 'node:http';
import net from 'node:net';

const HOP_BY_HOP = ['connection', 'keep-alive', 'upgrade', 'te', 'transfer-encoding', 'trailer', 'proxy-connection'];

function endToEnd(headers) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name)));
}

async function listening(server, extra) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, ...extra };
}

/** Gives the whole response at once, or nothing. */
function passWhole(answer, response) {
  const parts = [];
  answer.on('data', (part) => parts.push(part));
  answer.on('end', () => {
    const body = Buffer.concat(parts);
    response.writeHead(answer.statusCode, { ...endToEnd(answer.headers), 'content-length': body.length });
    response.end(body);
  });
}

function passOn(answer, response) {
  response.writeHead(answer.statusCode, endToEnd(answer.headers));
  response.flushHeaders();
  answer.pipe(response);
}

async function httpProxy(port, pass) {
  const agent = new http.Agent({ keepAlive: true });
  const counts = { upgrades: 0 };
  const server = http.createServer((request, response) => {
    counts.upgrades += request.headers.upgrade ? 1 : 0;
    const { method, url, headers } = request;
    const onward = http.request({ host: '127.0.0.1', port, method, path: url, headers: endToEnd(headers), agent });
    onward.on('response', (answer) => {
      answer.on('error', () => response.destroy());
      pass(answer, response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => response.writableFinished || onward.destroy()); // the client's abort is the server's
    request.pipe(onward);
  });
  return listening(server, {
    counts,
    async close() {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

export const dropUpgrade = (port) => httpProxy(port, passOn);
export const buffer = (port) => httpProxy(port, passWhole);

/** `idleMs` 0: never by itself, only when cut() is called. */
export async function cutIdle(port, idleMs) {
  const pairs = new Set();
  const counts = { cut: 0 };
  const server = net.createServer((client) => {
    const onward = net.connect(port, '127.0.0.1');
    const pair = { idle: null, isDumb: false, end };
    function end() {
      clearTimeout(pair.idle);
      pairs.delete(pair);
      client.destroy();
      onward.destroy();
    }
    const touch = () => {
      clearTimeout(pair.idle);
      if (idleMs > 0) {
        pair.idle = setTimeout(() => {
          counts.cut++;
          end();
        }, idleMs);
      }
    };
    pairs.add(pair);
    for (const [from, to] of [[client, onward], [onward, client]]) {
      from.setNoDelay(true);
      from.on('data', (part) => {
        touch();
        pair.isDumb || to.write(part);
      });
      from.on('end', () => to.end());
      from.on('error', end);
      from.on('close', end);
    }
    touch();
  });
  const cut = () => [...pairs].forEach((pair) => pair.end());
  const swallow = () => pairs.forEach((pair) => {
    pair.isDumb = true;
  });
  return listening(server, {
    counts,
    cut,
    swallow,
    async close() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

/** Runs `body(proxy)` and closes the proxy, whatever happens. */
export async function withProxy(proxy, body) {
  try {
    return await body(proxy);
  } finally {
    await proxy.close();
  }
}
