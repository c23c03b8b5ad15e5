// What SockJS answers besides its transports: greeting, info, iframe page, CORS, routing. sockjs.md 1.1 to 1.3, 1.6.

import assert from 'node:assert/strict';
import { test } from '../lib/test.mjs';
import { sharedStack, withStack } from '../lib/stack.mjs';
import { fetchOnce, openHttp } from '../lib/http.mjs';
import { sessionPath } from '../lib/sockjs.mjs';

const ENDPOINTS = [
  { path: '/echo', sockjs: true, service: 'echo', allowed_origins: ['*'], response_limit: '4096B' },
  { path: '/disabled_websocket_echo', sockjs: true, service: 'echo', allowed_origins: ['*'], websocket: false },
  { path: '/cookie_needed_echo', sockjs: true, service: 'echo', allowed_origins: ['*'], cookie_needed: true },
  { path: '/ws', sockjs: true, allowed_origins: ['*'] },
  { path: '/same', sockjs: true },
  { path: '/listed', sockjs: true, allowed_origins: ['https://*.example.org'] },
  { path: '/echo/nested', sockjs: true, service: 'echo', allowed_origins: ['*'], client_library: 'https://cdn.example.org/sockjs.js' },
  { path: '/plain', sockjs: false, allowed_origins: ['*'] },
];
const stack = sharedStack({ gateway: { endpoints: ENDPOINTS } });
const ask = async (method, path, options) => fetchOnce((await stack()).port, method, path, options);

const NOT_CACHED = 'no-store, no-cache, no-transform, must-revalidate, max-age=0';
const YEAR = 'public, max-age=31536000';

function assertNotCached({ header }) {
  assert.equal(header('cache-control'), NOT_CACHED);
  assert.equal(header('expires'), undefined);
  assert.equal(header('last-modified'), undefined);
}

function assertCors({ header }, origin) {
  assert.equal(header('access-control-allow-origin'), origin ?? '*');
  assert.equal(header('access-control-allow-credentials'), origin === undefined ? undefined : 'true');
  assert.equal(header('vary'), origin === undefined ? header('vary') : 'Origin');
}

test('R1 the greeting', async () => {
  for (const path of ['/echo', '/echo/', '/ws', '/ws/', '/ws?token=a&t=1', '/echo/nested', '/echo/nested/']) {
    const answer = await ask('GET', path);
    assert.equal(answer.status, 200, path);
    assert.equal(answer.header('content-type'), 'text/plain; charset=UTF-8');
    assert.equal(answer.body, 'Welcome to SockJS!\n');
    assert.equal(answer.header('set-cookie'), undefined);
    assert.equal(answer.header('x-content-type-options'), 'nosniff');
  }
});

const ID = '/000/abcd1234';
const NOT_FOUND = [
  '/a', '/a.html', '//', '///', '/a/a', '/a/a/', '/a/', '/info/x', '/infos', '/INFO',
  '//xhr', '///xhr', '/a//xhr', '//a/xhr', '/a./a/xhr', '/a/a./xhr', '/./a/xhr', '/a/b/c/xhr', '/xhr', '/a/xhr',
  '/a/a/unknown', '/a/a/XHR', '/a/a/xhr/x', '/a/a/xhr;x', '/a/a/jsonp;Setup.bat', '/a/a/xhr.bat', '/a/a//xhr',
  '/iframe.htm', '/iframe', '/IFRAME.HTML', '/IFRAME', '/iframe.HTML', '/iframe.xml', '/iframe-/.html', '/iframe-A.html', '/iframe-%2e.html',
];

for (const method of ['GET', 'POST']) {
  test(`R2 R3 ${method} of what is no address gets 404`, async () => {
    for (const suffix of NOT_FOUND) {
      const { status } = await ask(method, `/echo${suffix}`, { body: method === 'POST' ? '' : null });
      assert.equal(status, 404, suffix);
    }
  });
}

test('R8 what is percent-encoded cannot smuggle a separator into an id', async () => {
  for (const id of ['a%2fb', 'a%2Fb', 'a%2eb', 'a%00b', 'a%0ab', 'a%7f']) {
    for (const path of [`/echo/${id}/abcd/xhr`, `/echo/000/${id}/xhr`]) {
      const { status } = await ask('POST', path, { body: '' });
      assert.ok(status === 404 || status === 400, `${path}: ${status}`);
    }
  }
});

test('R2 R6 R7 other ids, queries and a last slash make no difference', async () => {
  const now = Date.now();
  for (const path of [`/a/a${now}`, `/_/_${now}`, `/1/${now}`, `/abcdefgh_i-j%20/abcdefg_i-j%20${now}`, `/000/q${now}`]) {
    const { status, body } = await ask('POST', `/echo${path}/xhr?token=x&t=${now}`, { body: '' });
    assert.deepEqual([status, body], [200, 'o\n'], path);
  }
  assert.equal((await ask('POST', `/echo/000/s${now}/xhr/`, { body: '' })).body, 'o\n');
});

test('R4 the server id is for balancers only', async () => {
  const session = `r4-${Date.now()}`;
  assert.equal((await ask('POST', `/echo/000/${session}/xhr`, { body: '' })).body, 'o\n');
  assert.equal((await ask('POST', `/echo/111/${session}/xhr_send`, { body: '["a"]' })).status, 204);
  assert.equal((await ask('POST', `/echo/999/${session}/xhr`, { body: '' })).body, 'a["a"]\n');
});

test('a session belongs to its endpoint', async () => {
  const session = `ends-${Date.now()}`;
  assert.equal((await ask('POST', `/echo/000/${session}/xhr`, { body: '' })).body, 'o\n');
  assert.equal((await ask('POST', `/cookie_needed_echo/000/${session}/xhr_send`, { body: '["a"]' })).status, 404);
});

// Path below the endpoint, and the methods it knows.
const METHODS = [
  ['', ['GET']],
  ['/', ['GET']],
  ['/info', ['GET', 'OPTIONS']],
  ['/iframe.html', ['GET']],
  ['/websocket', ['GET']],
  [`${ID}/websocket`, ['GET']],
  [`${ID}/xhr`, ['POST', 'OPTIONS']],
  [`${ID}/xhr_send`, ['POST', 'OPTIONS']],
  [`${ID}/xhr_streaming`, ['POST', 'OPTIONS']],
  [`${ID}/eventsource`, ['GET']],
  [`${ID}/htmlfile`, ['GET']],
  [`${ID}/jsonp`, ['GET']],
  [`${ID}/jsonp_send`, ['POST']],
];

test('R5 another method gets 405 with Allow, without Content-Type and body', async () => {
  for (const [suffix, known] of METHODS) {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      if (known.includes(method)) {
        continue;
      }
      const { status, header, body } = await ask(method, `/echo${suffix}`, { body: ['GET', 'HEAD', 'OPTIONS'].includes(method) ? null : '' });
      assert.equal(status, 405, `${method} ${suffix}`);
      assert.deepEqual(header('allow').split(', ').sort(), [...known].sort(), `${method} ${suffix}`);
      assert.equal(header('content-type'), undefined);
      assert.equal(body, '');
    }
  }
});

test('R10 R11 info', async () => {
  const seen = new Set();
  for (let i = 0; i < 20; i++) {
    const answer = await ask('GET', '/echo/info?t=1', { headers: { Origin: 'http://test.example' } });
    assert.equal(answer.status, 200);
    assert.equal(answer.header('content-type'), 'application/json; charset=UTF-8');
    assertNotCached(answer);
    assertCors(answer, 'http://test.example');
    const { entropy, ...rest } = JSON.parse(answer.body);
    assert.deepEqual(rest, { websocket: true, cookie_needed: false, origins: ['*:*'] });
    assert.ok(Number.isInteger(entropy) && entropy >= 0 && entropy < 2 ** 32);
    seen.add(entropy);
  }
  assert.equal(seen.size, 20);
});

test('R13 where WebSocket is off, info says so and its addresses are none', async () => {
  assert.equal(JSON.parse((await ask('GET', '/disabled_websocket_echo/info')).body).websocket, false);
  for (const path of ['/websocket', '/000/abcd/websocket']) {
    for (const headers of [{}, upgradeHeaders()]) {
      assert.equal((await ask('GET', `/disabled_websocket_echo${path}`, { headers })).status, 404);
    }
  }
});

function upgradeHeaders(more = {}) {
  return {
    Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'x3JJHMbDL1EzLkh9GBhXDw==', ...more,
  };
}

const PAGE = [
  '<!DOCTYPE html>', '<html>', '<head>',
  '  <meta http-equiv="X-UA-Compatible" content="IE=edge" />',
  '  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />',
  '  <script src="LIBRARY"></script>',
  '  <script>', '    document.domain = document.domain;', '    SockJS.bootstrap_iframe();', '  </script>',
  '</head>', '<body>', '  <h2>Don\'t panic!</h2>',
  '  <p>This is a SockJS hidden iframe. It\'s used for cross domain magic.</p>', '</body>', '</html>',
].join('\n');

test('R15 R16 R18 the iframe page', async () => {
  const names = ['iframe.html', 'iframe-a.html', 'iframe-.html', 'iframe-0.1.2.html', 'iframe-0.1.2abc-dirty.2144.html', 'iframe_x.html', 'iframe.html?t=1'];
  for (const name of names) {
    const answer = await ask('GET', `/echo/${name}`);
    assert.equal(answer.status, 200, name);
    assert.equal(answer.header('content-type'), 'text/html; charset=UTF-8');
    assert.equal(answer.header('cache-control'), YEAR);
    assert.ok(Date.parse(answer.header('expires')) - Date.now() > 360 * 86_400_000);
    assert.match(answer.header('etag'), /^"[^"]+"$/);
    assert.equal(answer.header('last-modified'), undefined);
    assert.equal(answer.header('set-cookie'), undefined);
    assert.equal(Number(answer.header('content-length')), answer.body.length);
    assert.equal(answer.body.trim(), PAGE.replace('LIBRARY', '/sockjs.min.js'));
  }
  assert.equal((await ask('GET', '/echo/nested/iframe.html')).body.trim(), PAGE.replace('LIBRARY', 'https://cdn.example.org/sockjs.js'));
});

test('R17 the iframe page is fetched once', async () => {
  const etag = (await ask('GET', '/echo/iframe.html')).header('etag');
  assert.equal((await ask('GET', '/echo/iframe-2.html')).header('etag'), etag);
  for (const value of [etag, `"other", ${etag}`, `W/${etag}`, '*']) {
    const answer = await ask('GET', '/echo/iframe.html', { headers: { 'If-None-Match': value } });
    assert.equal(answer.status, 304, value);
    assert.equal(answer.header('content-type'), undefined);
  }
  assert.equal((await ask('GET', '/echo/iframe.html', { headers: { 'If-None-Match': '"other"' } })).status, 200);
});

test('the iframe page and JSONP follow the origins', async () => {
  assert.equal((await ask('GET', '/same/iframe.html')).header('x-frame-options'), 'SAMEORIGIN');
  assert.equal((await ask('GET', '/echo/iframe.html')).header('x-frame-options'), undefined);
  assert.equal((await ask('GET', '/listed/iframe.html')).status, 404);
  for (const [path, status] of [['/same', 404], ['/listed', 404], ['/ws', 200]]) {
    assert.equal((await ask('GET', `${sessionPath(path)}/jsonp?c=x`)).status, status, path);
  }
});

const PREFLIGHTS = [['/info', 'GET'], [`${ID}/xhr`, 'POST'], [`${ID}/xhr_send`, 'POST'], [`${ID}/xhr_streaming`, 'POST']];

test('R34 preflights', async () => {
  for (const [suffix, method] of PREFLIGHTS) {
    for (const origin of ['http://test.example', 'test', 'null']) {
      for (const [asked, allowed] of [['a, b, c', 'a, b, c'], ['', undefined], [null, undefined]]) {
        const answer = await ask('OPTIONS', `/echo${suffix}`, {
          headers: { Origin: origin, 'Access-Control-Request-Method': method, 'Access-Control-Request-Headers': asked },
        });
        assert.ok([200, 204].includes(answer.status));
        assert.equal(answer.body, '');
        assert.equal(answer.header('cache-control'), YEAR);
        assert.ok(answer.header('expires'));
        assert.equal(answer.header('access-control-max-age'), '31536000');
        assert.equal(answer.header('access-control-allow-methods'), `OPTIONS, ${method}`);
        assert.equal(answer.header('access-control-allow-headers'), allowed);
        assertCors(answer, origin);
      }
    }
  }
});

test('R33 without Origin everything is for everybody, without credentials', async () => {
  assertCors(await ask('GET', '/echo/info'));
  const path = sessionPath('/echo');
  assertCors(await ask('POST', `${path}/xhr`, { body: '' }));
  assertCors(await ask('POST', `${path}/xhr_send`, { body: '["a"]' }));
});

test('D16 an origin that is not allowed gets 403 and creates nothing', async () => {
  const origin = 'https://evil.example';
  for (const endpoint of ['/same', '/listed']) {
    for (const [method, suffix] of [['GET', '/info'], ['POST', '/xhr'], ['POST', '/xhr_streaming'], ['GET', '/eventsource'], ['GET', '/htmlfile?c=x']]) {
      const path = suffix === '/info' ? `${endpoint}/info` : `${sessionPath(endpoint)}${suffix}`;
      const answer = await ask(method, path, { headers: { Origin: origin }, body: method === 'POST' ? '' : null });
      assert.equal(answer.status, 403, path);
      assert.ok(!answer.body.includes('evil'));
      assert.equal(answer.header('access-control-allow-origin'), undefined);
    }
    for (const path of [`${endpoint}/websocket`, `${sessionPath(endpoint)}/websocket`]) {
      assert.equal((await ask('GET', path, { headers: upgradeHeaders({ Origin: origin }) })).status, 403, path);
    }
  }
  const listed = await ask('GET', '/listed/info', { headers: { Origin: 'https://app.example.org' } });
  assertCors(listed, 'https://app.example.org');
});

test('the same origin is allowed where nothing is said', async () => {
  const { port } = await stack();
  const origin = `http://localhost:${port}`;
  const answer = await ask('GET', '/same/info', { headers: { Host: `localhost:${port}`, Origin: origin } });
  assert.equal(answer.status, 200);
  assert.equal((await ask('GET', '/same/info', { headers: { Host: `localhost:${port}`, Origin: 'http://localhost:1' } })).status, 403);
});

test('R35 cookie mode', async () => {
  const info = await ask('GET', '/cookie_needed_echo/info');
  assert.equal(info.header('set-cookie'), undefined);
  assert.equal(JSON.parse(info.body).cookie_needed, true);
  for (const path of ['', '/iframe.html']) {
    assert.equal((await ask('GET', `/cookie_needed_echo${path}`)).header('set-cookie'), undefined);
  }
  const session = sessionPath('/cookie_needed_echo');
  for (const [cookie, value] of [
    [null, 'dummy'], ['JSESSIONID=abcdef', 'abcdef'], ['a=b; JSESSIONID=x.y-z_1; c=d', 'x.y-z_1'],
    ['JSESSIONID=', 'dummy'], ['JSESSIONID=a b', 'dummy'], ['XJSESSIONID=no', 'dummy'], [`JSESSIONID=${'x'.repeat(65)}`, 'dummy'],
  ]) {
    const headers = { Cookie: cookie };
    const answers = [
      await ask('POST', `${sessionPath('/cookie_needed_echo')}/xhr`, { headers, body: '' }),
      await ask('OPTIONS', `${session}/xhr`, { headers }),
      await ask('OPTIONS', `${session}/xhr_send`, { headers }),
      await ask('POST', `${session}/xhr_send`, { headers, body: '["a"]' }), // 404
      await ask('GET', `${sessionPath('/cookie_needed_echo')}/jsonp?c=x`, { headers }),
      await ask('GET', `${session}/jsonp`, { headers }), // 500
    ];
    for (const suffix of ['xhr_streaming', 'eventsource', 'htmlfile?c=x']) {
      const http = openHttp((await stack()).port);
      http.request(suffix === 'xhr_streaming' ? 'POST' : 'GET', `${sessionPath('/cookie_needed_echo')}/${suffix}`, {
        headers, body: suffix === 'xhr_streaming' ? '' : null,
      });
      answers.push(await http.answer());
      http.drop();
    }
    answers.forEach(({ all }, i) => assert.deepEqual(all('set-cookie'), [`JSESSIONID=${value}; path=/`], `${cookie} ${i}`));
  }
});

test('WebSocket handshakes that are none', async () => {
  const valid = upgradeHeaders();
  for (const endpoint of ['/echo/websocket', `/echo${ID}/websocket`, '/ws/websocket', '/plain']) {
    for (const [headers, status] of [
      [{}, 400],
      [{ ...valid, Connection: 'close' }, 400],
      [{ ...valid, Upgrade: 'h2c' }, 400],
      [{ ...valid, 'Sec-WebSocket-Version': null }, 426],
      [{ ...valid, 'Sec-WebSocket-Version': '12' }, 426],
      [{ ...valid, 'Sec-WebSocket-Key': null }, 400],
      [{ ...valid, 'Sec-WebSocket-Key': 'short==' }, 400],
      [{ ...valid, 'Content-Length': '1' }, 400],
    ]) {
      const answer = await ask('GET', endpoint, { headers });
      assert.equal(answer.status, status, `${endpoint} ${JSON.stringify(headers)}`);
      assert.equal(answer.header('sec-websocket-version'), status === 426 ? '13' : undefined);
    }
    const { status, header } = await ask('POST', endpoint, { headers: valid, body: '' });
    assert.deepEqual([status, header('allow')], [405, 'GET']);
  }
});

test('R64 the handshake of 2010 gets 426', async () => {
  const answer = await ask('GET', `/echo${ID}/websocket`, {
    headers: { Connection: 'Upgrade', Upgrade: 'WebSocket', 'Sec-WebSocket-Key1': '4 @1  46546xW%0l 1 5', 'Sec-WebSocket-Key2': '12998 5 Y3 1  .P00' },
  });
  assert.equal(answer.status, 426);
});

test('a WebSocket handshake that is one', async () => {
  for (const path of ['/echo/websocket', `/echo${ID}/websocket`, '/echo', '/plain']) {
    const http = openHttp((await stack()).port);
    http.request('GET', path, { headers: upgradeHeaders({ Upgrade: 'WebSocket', Connection: 'keep-alive, Upgrade' }) });
    const { status, header } = await http.answer();
    assert.equal(status, 101, path);
    assert.equal(header('sec-websocket-accept'), 'HSmrc0sMlYUkAGmm5OPpG2HaGWk=');
    assert.equal(header('upgrade').toLowerCase(), 'websocket');
    assert.equal(header('connection').toLowerCase(), 'upgrade');
    assert.equal(header('content-length'), undefined);
    assert.equal(header('sec-websocket-protocol'), undefined);
    http.drop();
  }
});

test('endpoints without SockJS have no SockJS', async () => {
  for (const path of ['/plain/info', '/plain/websocket', '/plain/iframe.html', '/plain/a/b/xhr']) {
    assert.equal((await ask(path.endsWith('xhr') ? 'POST' : 'GET', path, { body: path.endsWith('xhr') ? '' : null })).status, 404);
  }
});

test('R60 R61 keep-alive and HTTP/1.0', async () => {
  const { port } = await stack();
  const http = openHttp(port);
  for (let i = 0; i < 3; i++) {
    http.request('GET', '/echo');
    assert.equal((await http.answer()).status, 200);
    assert.equal(await http.body(), 'Welcome to SockJS!\n');
  }
  http.drop();
  for (const connection of [null, 'close', 'keep-alive']) {
    const old = openHttp(port);
    old.request('GET', '/echo', { version: '1.0', headers: { Connection: connection } });
    const { status, header } = await old.answer();
    assert.equal(status, 200);
    assert.equal(header('transfer-encoding'), undefined);
    assert.equal(header('content-length'), '19');
    await old.body();
    if (connection === 'keep-alive' && header('connection')?.toLowerCase() === 'keep-alive') {
      old.request('GET', '/echo', { version: '1.0' });
      assert.equal((await old.answer()).status, 200);
      await old.body();
    }
    await old.closed();
  }
});

test('R62 a POST without length and body works', async () => {
  const { port } = await stack();
  const http = openHttp(port);
  http.request('POST', `${sessionPath('/echo')}/xhr`);
  assert.equal((await http.answer()).status, 200);
  assert.equal(await http.body(), 'o\n');
  http.drop();
});

test('the page of another endpoint\'s nest goes to the longest path', async () => {
  const inner = await ask('GET', '/echo/nested/info');
  assert.equal(inner.status, 200);
  // As ids of the outer endpoint the same words would be a session.
  assert.equal((await ask('POST', '/echo/nested/a/xhr', { body: '' })).status, 404);
  assert.equal((await ask('POST', `/echo/nested/000/n${Date.now()}/xhr`, { body: '' })).body, 'o\n');
});

test('while the broker is away info and opening wait, then say so', async () => {
  await withStack({ gateway: { timeouts: { link_wait: '200ms' }, endpoints: ENDPOINTS } }, async (programs) => {
    programs.allow('link_lost', 'link_down', 'link');
    programs.broker.signal('SIGKILL');
    await programs.gateways[0].waitFor('link_lost');
    assert.equal((await fetchOnce(programs.port, 'GET', '/echo/info')).status, 503);
    const opening = await fetchOnce(programs.port, 'POST', `${sessionPath('/echo')}/xhr`, { body: '' });
    assert.equal(opening.status, 200);
    assert.match(opening.body, /^c\[1013,"[^"]+"\]\n$/);
    const links = programs.gateways[0].events('link_up').length;
    await programs.startBroker();
    await programs.gateways[0].waitFor(() => programs.gateways[0].events('link_up').length > links);
    assert.equal((await fetchOnce(programs.port, 'GET', '/echo/info')).status, 200);
    assert.equal((await fetchOnce(programs.port, 'POST', `${sessionPath('/echo')}/xhr`, { body: '' })).body, 'o\n');
  });
});
