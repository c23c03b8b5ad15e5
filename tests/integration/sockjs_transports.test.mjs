// Every transport of SockJS byte by byte and chunk by chunk: sockjs.md 1.4 to 1.8, 1.10, 1.11.

import assert from 'node:assert/strict';
import WebSocket from 'ws';
import { test } from '../lib/test.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { fetchOnce, openHttp } from '../lib/http.mjs';
import { Inbox } from '../lib/inbox.mjs';
import { sessionPath } from '../lib/sockjs.mjs';

const open = { sockjs: true, allowed_origins: ['*'] };
const stack = sharedStack({
  gateway: {
    endpoints: [
      { path: '/echo', service: 'echo', response_limit: '4096B', ...open },
      { path: '/wide', service: 'echo', limits: { message_size: '1MiB', sockjs_body_size: '1MiB', queue_size: '8MiB' }, ...open },
      { path: '/close', service: 'close', ...open },
    ],
  },
});
const ask = async (method, path, options) => fetchOnce((await stack()).port, method, path, options);
const post = (path, body, headers = {}) => ask('POST', path, { body, headers });
const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };

const HTMLFILE = [
  '<!doctype html>', '<html><head>',
  '  <meta http-equiv="X-UA-Compatible" content="IE=edge" />',
  '  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />',
  '</head><body><h2>Don\'t panic!</h2>',
  '  <script>', '    document.domain = document.domain;', '    var c = parent.callback;', '    c.start();',
  '    function p(d) {c.message(d);};', '    window.onload = function() {c.stop();};', '  </script>',
].join('\n');

const quote = (text) => JSON.stringify(text);

/** What differs between the long responses. `wrap` gives a frame's bytes. */
const STREAMS = {
  xhr_streaming: {
    method: 'POST', query: '', type: 'application/javascript; charset=UTF-8', wrap: (text) => `${text}\n`,
    prelude: (text) => assert.equal(text, `${'h'.repeat(2048)}\n`),
  },
  eventsource: {
    method: 'GET', query: '', type: 'text/event-stream', wrap: (text) => `data: ${text}\r\n\r\n`,
    prelude: (text) => assert.equal(text, '\r\n'),
  },
  htmlfile: {
    method: 'GET', query: '?c=%63allback', type: 'text/html; charset=UTF-8', wrap: (text) => `<script>\np(${quote(text)});\n</script>\r\n`,
    prelude: (text) => {
      assert.equal(text.trim(), HTMLFILE);
      assert.ok(Buffer.byteLength(text) > 1024 && text.endsWith('\r\n\r\n'));
    },
  },
};

/** The answers that end with a frame. */
const POLLS = {
  xhr: { method: 'POST', query: '', type: 'application/javascript; charset=UTF-8', wrap: (text) => `${text}\n` },
  jsonp: { method: 'GET', query: '?c=%63allback', type: 'application/javascript; charset=UTF-8', wrap: (text) => `/**/callback(${quote(text)});\r\n` },
};

const url = (path, name, { query }) => `${path}/${name}${query}`;

async function openStream(path, name, options = {}) {
  const kind = STREAMS[name];
  const http = openHttp((await stack()).port);
  http.request(kind.method, url(path, name, kind), { body: kind.method === 'POST' ? '' : null, ...options });
  const answer = await http.answer();
  assert.equal(answer.status, 200);
  return { http, answer, kind };
}

async function started(path, name) {
  const stream = await openStream(path, name);
  stream.kind.prelude(await stream.http.chunkText());
  assert.equal(await stream.http.chunkText(), stream.kind.wrap('o'));
  return stream;
}

async function poll(path, name) {
  const kind = POLLS[name];
  return ask(kind.method, url(path, name, kind), { body: kind.method === 'POST' ? '' : null });
}

function assertFresh({ header }) {
  assert.equal(header('cache-control'), 'no-store, no-cache, no-transform, must-revalidate, max-age=0');
  assert.equal(header('expires'), undefined);
  assert.equal(header('last-modified'), undefined);
  assert.equal(header('x-content-type-options'), 'nosniff');
}

for (const [name, kind] of Object.entries(STREAMS)) {
  test(`${name}: prelude, open, messages, each a chunk of its own`, async () => {
    const path = sessionPath('/echo');
    const { http, answer } = await openStream(path, name, { headers: { Origin: 'http://a.example' }, body: kind.method === 'POST' ? '' : null });
    assert.equal(answer.header('content-type'), kind.type);
    assert.equal(answer.header('transfer-encoding'), 'chunked');
    assert.equal(answer.header('content-length'), undefined);
    assertFresh(answer);
    if (name !== 'htmlfile') {
      assert.equal(answer.header('access-control-allow-origin'), 'http://a.example');
      assert.equal(answer.header('access-control-allow-credentials'), 'true');
    }
    kind.prelude(await http.chunkText());
    assert.equal(await http.chunkText(), kind.wrap('o'));
    for (const text of ['x', '', ' lead', '한국어 🐟', 'a"b\\c/d']) {
      assert.equal((await post(`${path}/xhr_send`, JSON.stringify([text]))).status, 204);
      assert.deepEqual(readFrame(name, await http.chunkText()), [text]);
    }
    http.drop();
  });

  test(`${name}: a response ends after its limit, and the session goes on without another open`, async () => {
    const path = sessionPath('/echo');
    const first = await started(path, name);
    // What counts is every byte after the prelude; "o" has been written.
    const frame = kind.wrap(`a["${'x'.repeat(128)}"]`);
    let written = kind.wrap('o').length;
    let count = 0;
    while (written < 4096) {
      assert.equal((await post(`${path}/xhr_send`, `["${'x'.repeat(128)}"]`)).status, 204);
      assert.equal(await first.http.chunkText(), frame);
      written += frame.length;
      count++;
    }
    assert.equal(await first.http.chunk(), null, `ends after ${count} frames`);
    first.http.drop();
    assert.equal((await post(`${path}/xhr_send`, '["between"]')).status, 204);
    const second = await openStream(path, name);
    kind.prelude(await second.http.chunkText());
    assert.equal(await second.http.chunkText(), kind.wrap('a["between"]'));
    second.http.drop();
  });

  test(`${name}: one frame beyond the limit is delivered whole`, async () => {
    const path = sessionPath('/echo');
    const { http } = await started(path, name);
    assert.equal((await post(`${path}/xhr_send`, `["${'x'.repeat(4096)}"]`)).status, 204);
    assert.equal(await http.chunkText(), kind.wrap(`a["${'x'.repeat(4096)}"]`));
    assert.equal(await http.chunk(), null);
    http.drop();
  });

  test(`${name}: a response that ended leaves its connection to the next request`, async () => {
    const path = sessionPath('/echo');
    const { http } = await started(path, name);
    await post(`${path}/xhr_send`, `["${'x'.repeat(4096)}"]`);
    await http.chunkText();
    assert.equal(await http.chunk(), null);
    http.request('GET', '/echo');
    assert.equal((await http.answer()).status, 200);
    assert.equal(await http.body(), 'Welcome to SockJS!\n');
    http.drop();
  });

  test(`${name}: a closed session has prelude, open and close, and says the same again`, async () => {
    const path = sessionPath('/close');
    const first = await started(path, name);
    assert.equal(await first.http.chunkText(), kind.wrap('c[3000,"Go away!"]'));
    assert.equal(await first.http.chunk(), null);
    first.http.drop();
    for (let i = 0; i < 2; i++) {
      const again = await openStream(path, name);
      kind.prelude(await again.http.chunkText());
      assert.equal(await again.http.chunkText(), kind.wrap('c[3000,"Go away!"]'));
      assert.equal(await again.http.chunk(), null);
      again.http.drop();
    }
  });

  test(`${name}: a second receiver is told 2010, the first is unharmed`, async () => {
    const path = sessionPath('/echo');
    const first = await started(path, name);
    const second = await openStream(path, name);
    kind.prelude(await second.http.chunkText());
    assert.equal(await second.http.chunkText(), kind.wrap('c[2010,"Another connection still open"]'));
    assert.equal(await second.http.chunk(), null);
    second.http.drop();
    await post(`${path}/xhr_send`, '["x"]');
    assert.equal(await first.http.chunkText(), kind.wrap('a["x"]'));
    first.http.drop();
  });

  test(`${name}: over HTTP/1.0 the same bytes without chunks, to the end of the connection`, async () => {
    for (const connection of ['Keep-Alive', 'close', null]) {
      const { http, answer } = await openStream(sessionPath('/close'), name, {
        version: '1.0', headers: { Connection: connection }, body: kind.method === 'POST' ? '' : null,
      });
      assert.equal(answer.header('transfer-encoding'), undefined);
      assert.equal(answer.header('content-length'), undefined);
      const body = await http.body();
      const frames = kind.wrap('o') + kind.wrap('c[3000,"Go away!"]');
      assert.ok(body.endsWith(frames), quote(body.slice(-200)));
      kind.prelude(body.slice(0, -frames.length));
      http.drop();
    }
  });
}

/** The texts of one `a` frame, through the wrapping of its transport. */
function readFrame(name, bytes) {
  const inner = {
    xhr_streaming: () => bytes.slice(0, -1),
    eventsource: () => decodeURIComponent(bytes.slice('data: '.length, -4)),
    htmlfile: () => JSON.parse(bytes.slice('<script>\np('.length, -');\n</script>\r\n'.length)),
    xhr: () => bytes.slice(0, -1),
    jsonp: () => JSON.parse(bytes.slice('/**/callback('.length, -');\r\n'.length)),
  }[name]();
  assert.equal(inner[0], 'a', bytes);
  return JSON.parse(inner.slice(1));
}

for (const [name, kind] of Object.entries(POLLS)) {
  test(`${name}: one frame a request`, async () => {
    const path = sessionPath('/echo');
    const first = await poll(path, name);
    assert.equal(first.status, 200);
    assert.equal(first.body, kind.wrap('o'));
    assert.equal(first.header('content-type'), kind.type);
    assertFresh(first);
    for (const text of ['x', '', '한국어 🐟', 'a"b\\c/d']) {
      assert.equal((await post(`${path}/xhr_send`, JSON.stringify([text]))).status, 204);
      assert.deepEqual(readFrame(name, (await poll(path, name)).body), [text]);
    }
  });

  test(`${name}: what waited comes in one frame`, async () => {
    const path = sessionPath('/echo');
    await poll(path, name);
    for (const body of ['["a"]', '["b","c"]', '[]', '["d"]']) {
      assert.equal((await post(`${path}/xhr_send`, body)).status, 204);
    }
    assert.equal((await poll(path, name)).body, kind.wrap('a["a","b","c","d"]'));
  });

  test(`${name}: a request that waits is answered by the message`, async () => {
    const path = sessionPath('/echo');
    await poll(path, name);
    const waiting = poll(path, name);
    // Its receiver is there when a second one is told so; that one may come first and wait in its place.
    const rival = poll(path, name);
    const told = (await Promise.race([waiting, rival])).body;
    assert.equal(told, kind.wrap('c[2010,"Another connection still open"]'));
    await post(`${path}/xhr_send`, '["x"]');
    const bodies = (await Promise.all([waiting, rival])).map(({ body }) => body);
    assert.deepEqual(bodies.sort(), [kind.wrap('a["x"]'), told].sort());
  });

  test(`${name}: a closed session says the same again and again`, async () => {
    const path = sessionPath('/close');
    assert.equal((await poll(path, name)).body, kind.wrap('o'));
    for (let i = 0; i < 3; i++) {
      assert.equal((await poll(path, name)).body, kind.wrap('c[3000,"Go away!"]'));
    }
    assert.equal((await post(`${path}/xhr_send`, '["a"]')).status, 404);
  });
}

for (const [name, isSame] of [['xhr_send', true], ['jsonp_send', false]]) {
  const send = (path, body, headers = {}) => (isSame ? post(`${path}/xhr_send`, body, headers) : post(`${path}/jsonp_send`, body, headers));
  const receiver = isSame ? 'xhr' : 'jsonp';
  const assertAccepted = (answer) => {
    assert.deepEqual([answer.status, answer.body], isSame ? [204, ''] : [200, 'ok']);
    assert.equal(answer.header('content-type'), 'text/plain; charset=UTF-8');
    assertFresh(answer);
  };

  test(`${name}: to a session that is not there, 404`, async () => {
    for (const body of ['["a"]', '', '["a']) {
      assert.equal((await send(sessionPath('/echo'), body)).status, 404);
    }
  });

  // A body and what it gets; the text of an error.
  const BROKEN = 'Broken JSON encoding.';
  const MISSING = 'Payload expected.';
  const BODIES = [
    ['', MISSING], ['["x', BROKEN], ['["x"', BROKEN], ['["x"]]', BROKEN], ['["x"] y', BROKEN], ['x', BROKEN], ['[x]', BROKEN],
    ['["x",]', BROKEN], ['["\\x"]', BROKEN], ["['x']", BROKEN], ['"x"', MISSING], ['{"a":"b"}', MISSING], ['1', MISSING], ['null', MISSING],
    ['[["x"]]', null], ['[{"a":1}]', null], ['["\u0001"]', BROKEN], ['["\xff"]', null],
  ];

  test(`${name}: what is no array of texts gets 500 and does no harm`, async () => {
    const path = sessionPath('/echo');
    await poll(path, receiver);
    for (const [body, expected] of BODIES) {
      const bytes = isSame ? body : `d=${encodeURIComponent(body)}`;
      const answer = await send(path, bytes, isSame ? {} : FORM);
      if (body === '["\xff"]') {
        assertAccepted(answer); // U+00FF in UTF-8
        continue;
      }
      assert.equal(answer.status, 500, body);
      if (expected !== null) {
        assert.equal(answer.body.trim(), expected, body);
      }
      assert.equal(answer.header('content-type'), 'text/plain; charset=UTF-8');
    }
    assertAccepted(await send(path, isSame ? '["after"]' : 'd=%5B%22after%22%5D', isSame ? {} : FORM));
    assert.deepEqual(readFrame(receiver, (await poll(path, receiver)).body), ['\xff', 'after']);
  });

  test(`${name}: numbers and the like become texts`, async () => {
    const path = sessionPath('/echo');
    await poll(path, receiver);
    assertAccepted(await send(path, '[1,true,false,-2.5]', { 'Content-Type': 'text/plain' }));
    assert.deepEqual(readFrame(receiver, (await poll(path, receiver)).body), ['1', 'true', 'false', '-2.5']);
  });

  test(`${name}: a byte order mark is skipped`, async () => {
    const path = sessionPath('/echo');
    await poll(path, receiver);
    assertAccepted(await send(path, '\ufeff["a"]', { 'Content-Type': 'text/plain' }));
    assert.deepEqual(readFrame(receiver, (await poll(path, receiver)).body), ['a']);
  });

  test(`${name}: a body beyond its limit gets 413`, async () => {
    const path = sessionPath('/echo');
    await poll(path, receiver);
    const answer = await send(path, `["${'x'.repeat(128 * 1024)}"]`, { 'Content-Type': 'text/plain' });
    assert.equal(answer.status, 413);
    assertAccepted(await send(path, '["after"]', { 'Content-Type': 'text/plain' }));
  });

  test(`${name}: more texts than the limit are refused`, async () => {
    const path = sessionPath('/echo');
    await poll(path, receiver);
    const texts = (count) => JSON.stringify(Array.from({ length: count }, () => ''));
    assert.equal((await send(path, texts(1001), { 'Content-Type': 'text/plain' })).status, 500);
    assertAccepted(await send(path, texts(1000), { 'Content-Type': 'text/plain' }));
  });
}

test('xhr_send takes any content type', async () => {
  const path = sessionPath('/echo');
  await poll(path, 'xhr');
  const types = ['text/plain', 'T', 'application/json', 'application/xml', '', 'application/json; charset=utf-8', 'text/xml; charset=utf-8', null];
  for (const type of types) {
    assert.equal((await post(`${path}/xhr_send`, '["a"]', { 'Content-Type': type })).status, 204, String(type));
  }
  assert.equal((await poll(path, 'xhr')).body, `a[${types.map(() => '"a"').join(',')}]\n`);
});

test('jsonp_send: forms are decoded, plain text is not', async () => {
  const path = sessionPath('/echo');
  await poll(path, 'jsonp');
  for (const [body, headers] of [
    ['d=%5B%22abc%22%5D', FORM], ['["%61bc"]', { 'Content-Type': 'text/plain' }], ['a=b&d=%5B%22x+y%22%5D&c=d', FORM],
    ['d=%5B%22p%2Bq%22%5D', { 'Content-Type': 'application/x-www-form-urlencoded; charset=UTF-8' }],
  ]) {
    assert.equal((await post(`${path}/jsonp_send`, body, headers)).body, 'ok', body);
  }
  for (const body of ['', 'd=', 'p=p']) {
    const answer = await post(`${path}/jsonp_send`, body, FORM);
    assert.deepEqual([answer.status, answer.body.trim()], [500, 'Payload expected.']);
  }
  assert.deepEqual(readFrame('jsonp', (await poll(path, 'jsonp')).body), ['abc', '%61bc', 'x y', 'p+q']);
});

const CALLBACKS = [
  ['?c=callback', 200, 'callback'], ['?c=%63allback', 200, 'callback'], ['?callback=cb', 200, 'cb'], ['?t=1&c=_jp.aXYZ123&u=2', 200, '_jp.aXYZ123'],
  ['?c=a-b_c.D9', 200, 'a-b_c.D9'],
  ['', 500, '"callback" parameter required'], ['?x=1', 500, '"callback" parameter required'], ['?c=', 500, '"callback" parameter'],
  ['?c=%20', 500, 'invalid "callback" parameter'], ['?c=*', 500, 'invalid "callback" parameter'], ['?c=abc(', 500, 'invalid "callback" parameter'],
  ['?c=abc%28', 500, 'invalid "callback" parameter'], ['?c=%3Cscript%3E', 500, 'invalid "callback" parameter'],
  ['?c=a%0d%0ab', 500, 'invalid "callback" parameter'], ['?c=%ed%95%9c', 500, 'invalid "callback" parameter'],
  [`?c=${'x'.repeat(33)}`, 500, 'invalid "callback" parameter'],
];

for (const name of ['jsonp', 'htmlfile']) {
  test(`${name}: the callback's name`, async () => {
    for (const [query, status, text] of CALLBACKS) {
      const http = openHttp((await stack()).port);
      http.request('GET', `${sessionPath('/echo')}/${name}${query}`);
      const answer = await http.answer();
      assert.equal(answer.status, status, query);
      const body = status === 200 && name === 'htmlfile' ? await http.chunkText() : await http.body();
      assert.ok(body.includes(status === 200 && name === 'htmlfile' ? `parent.${text};` : text), `${query}: ${body.slice(0, 400)}`);
      if (status === 500) {
        assert.ok(!body.includes('<script>') && !body.includes('xxx'), 'nothing of it is echoed');
        assert.match(answer.header('content-type'), /^text\/plain/);
      }
      http.drop();
    }
  });
}

const hex = (code) => `\\u${code.toString(16).padStart(4, '0')}`;
const MUST_ESCAPE = [[0x200c, 0x200f], [0x2028, 0x202f], [0x2060, 0x206f], [0xfff0, 0xffff]];

test('R50 what clients cannot bear is escaped in lower case, byte for byte', async () => {
  const codes = MUST_ESCAPE.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i));
  const text = String.fromCharCode(...codes);
  const path = sessionPath('/wide');
  await poll(path, 'xhr');
  assert.equal((await post(`${path}/xhr_send`, JSON.stringify([text]))).status, 204);
  assert.equal((await poll(path, 'xhr')).body, `a["${codes.map(hex).join('')}"]\n`);
});

test('R50 control characters and emoji', async () => {
  const path = sessionPath('/wide');
  await poll(path, 'xhr');
  assert.equal((await post(`${path}/xhr_send`, '["\\u0000\\u0001\\u001f\\b\\f\\n\\r\\t\\"\\\\🐟"]')).status, 204);
  assert.equal((await poll(path, 'xhr')).body, 'a["\\u0000\\u0001\\u001f\\b\\f\\n\\r\\t\\"\\\\\\ud83d\\udc1f"]\n');
});

test('R51 every character, escaped by the client or not, comes back as itself on every transport', async () => {
  const codes = Array.from({ length: 0x10000 }, (_, i) => i).filter((code) => code < 0xd800 || code > 0xdfff);
  const whole = String.fromCharCode(...codes.slice(0, 30_000)) + String.fromCharCode(...codes.slice(30_000)) + '🐟𐀀\u{10ffff}';
  const escaped = `["${Array.from({ length: whole.length }, (_, i) => hex(whole.charCodeAt(i))).join('')}"]`;
  for (const name of Object.keys(POLLS)) {
    for (const body of [escaped, JSON.stringify([whole])]) {
      const path = sessionPath('/wide');
      await poll(path, name);
      assert.equal((await post(`${path}/xhr_send`, body)).status, 204);
      assert.ok(readFrame(name, (await poll(path, name)).body)[0] === whole, name);
    }
  }
  for (const name of Object.keys(STREAMS)) {
    const path = sessionPath('/wide');
    const { http } = await started(path, name);
    await post(`${path}/xhr_send`, JSON.stringify([whole]));
    assert.ok(readFrame(name, await http.chunkText())[0] === whole, name);
    http.drop();
  }
  const ws = await openSockJs('/wide/000/x/websocket');
  assert.equal(await ws.inbox.take(), 'o');
  ws.socket.send(JSON.stringify([whole]));
  assert.ok(JSON.parse((await ws.inbox.take()).slice(1))[0] === whole);
  ws.socket.terminate();
});

test('R51 echo gives lone halves of a pair back as they came', async () => {
  const path = sessionPath('/wide');
  await poll(path, 'xhr');
  for (const body of ['["a\\ud83db"]', '["a\\ude00b"]', '["\\ud83d\\ud83d\\ude00"]']) {
    assert.equal((await post(`${path}/xhr_send`, body)).status, 204);
  }
  assert.deepEqual(readFrame('xhr', (await poll(path, 'xhr')).body), ['a\ud83db', 'a\ude00b', '\ud83d\ud83d\ude00']);
});

test('R52 eventsource: a percent sign survives decodeURI', async () => {
  const path = sessionPath('/echo');
  const { http } = await started(path, 'eventsource');
  await post(`${path}/xhr_send`, '["100% a%20b %"]');
  assert.equal(await http.chunkText(), 'data: a["100%25 a%2520b %25"]\r\n\r\n');
  http.drop();
});

test('R53 htmlfile: a message cannot end the script', async () => {
  const path = sessionPath('/echo');
  const { http } = await started(path, 'htmlfile');
  for (const text of ['</script><script>alert(1)</script>', '<!--<script>', '</SCRIPT >']) {
    await post(`${path}/xhr_send`, JSON.stringify([text]));
    const chunk = await http.chunkText();
    assert.equal(chunk.indexOf('</'), chunk.length - '</script>\r\n'.length, chunk);
    assert.ok(!chunk.includes('<!--'), chunk);
    assert.deepEqual(readFrame('htmlfile', chunk), [text]);
  }
  http.drop();
});

// --- WebSocket ---

async function openSockJs(path) {
  const { port } = await stack();
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { perMessageDeflate: false });
  const inbox = new Inbox(path);
  socket.on('message', (data, isBinary) => inbox.put(isBinary ? data : data.toString()));
  socket.on('close', (code, reason) => inbox.finish({ code, reason: reason.toString() }));
  socket.on('error', (error) => inbox.finish({ error: error.message }));
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return { socket, inbox };
}

test('websocket: open, messages, empty ones ignored', async () => {
  const { socket, inbox } = await openSockJs('/echo/000/one/websocket');
  assert.equal(await inbox.take(), 'o');
  for (const text of ['', '[]', '["a"]', '["b","c"]', '"d"']) {
    socket.send(text);
  }
  const found = [];
  while (found.length < 4) {
    found.push(...JSON.parse((await inbox.take()).slice(1)));
  }
  assert.deepEqual(found, ['a', 'b', 'c', 'd']);
  socket.close(1000);
  assert.equal((await inbox.ended()).code, 1000);
});

test('R26 websocket: the same session id twice is two sessions', async () => {
  const [one, two] = [await openSockJs('/echo/000/same/websocket'), await openSockJs('/echo/000/same/websocket')];
  for (const [{ socket, inbox }, text] of [[one, 'a'], [two, 'b']]) {
    assert.equal(await inbox.take(), 'o');
    socket.send(`["${text}"]`);
    assert.equal(await inbox.take(), `a["${text}"]`);
  }
  one.socket.close();
  await one.inbox.ended();
  two.socket.send('["c"]');
  assert.equal(await two.inbox.take(), 'a["c"]');
  two.socket.terminate();
});

for (const [text, what] of [['["a', 'broken JSON'], ['[1', 'broken JSON'], ['["a"]x', 'garbage behind'], ['{}', 'an object'], ['[[]]', 'an array within']]) {
  test(`D22 websocket: ${what} (${text}) closes with 1007, without a frame`, async () => {
    const { socket, inbox } = await openSockJs('/echo/000/bad/websocket');
    assert.equal(await inbox.take(), 'o');
    socket.send(text);
    assert.equal((await inbox.ended()).code, 1007);
  });
}

test('D23 websocket: binary is not SockJS and closes with 1003', async () => {
  const { socket, inbox } = await openSockJs('/echo/000/bin/websocket');
  assert.equal(await inbox.take(), 'o');
  socket.send(Buffer.from('["a"]'));
  assert.equal((await inbox.ended()).code, 1003);
});

test('D21 websocket: the close frame, then the same code and reason', async () => {
  const { inbox } = await openSockJs('/close/000/bye/websocket');
  assert.equal(await inbox.take(), 'o');
  assert.equal(await inbox.take(), 'c[3000,"Go away!"]');
  assert.deepEqual(await inbox.ended(), { code: 3000, reason: 'Go away!' });
});

test('raw websocket: nothing but the messages, text as text, binary as binary', async () => {
  for (const path of ['/echo/websocket', '/echo']) {
    const { socket, inbox } = await openSockJs(path);
    socket.send('Hello world!\uffff');
    assert.equal(await inbox.take(), 'Hello world!\uffff');
    socket.send(Buffer.from([0, 255, 1]));
    assert.deepEqual(await inbox.take(), Buffer.from([0, 255, 1]));
    socket.send('');
    assert.equal(await inbox.take(), '');
    socket.terminate();
  }
});

test('raw websocket: the application\'s close is the WebSocket\'s', async () => {
  const { inbox } = await openSockJs('/close/websocket');
  assert.deepEqual(await inbox.ended(), { code: 3000, reason: 'Go away!' });
});

test('R43 D13 a session keeps to the family of transports it began with', async () => {
  for (const [first, others] of [
    ['xhr', ['eventsource', 'htmlfile?c=x', 'jsonp?c=x']],
    ['jsonp', ['xhr', 'xhr_streaming', 'eventsource', 'htmlfile?c=x']],
  ]) {
    const path = sessionPath('/echo');
    await poll(path, first);
    for (const other of others) {
      const method = other.startsWith('xhr') ? 'POST' : 'GET';
      assert.equal((await ask(method, `${path}/${other}`, { body: method === 'POST' ? '' : null })).status, 404, `${first} then ${other}`);
    }
    assert.equal((await post(`${path}/xhr_send`, '["still"]')).status, 204);
    assert.deepEqual(readFrame(first, (await poll(path, first)).body), ['still']);
  }
});
